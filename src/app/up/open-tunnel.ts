/** Opens the tunnel that an arc.json describes. */
import { ArcConfigError } from '../../arc-config/arc-config-error.js';
import { effectiveKeepalive, effectiveMtu } from '../../arc-config/arc-config.js';
import { requireSession } from '../../arc-config/require-session.js';
import {
  familyOf,
  MINIMUM_MTU,
  tunnelFaults,
  type TunnelOverrides,
} from '../../arc-config/tunnel-faults.js';
import { UserError } from '../../lib/user-error.js';
import { sameBytes } from '../../lib/same-bytes.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { parseTunnelConfig, type TunnelConfig } from '../../tunnel/tunnel-config.js';
import { type CongestionAlgorithm, UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';

export type TunnelMode = 'auto' | 'tun' | 'userspace';

export interface OpenTunnelOptions {
  readonly arcConfig: LoadedArcConfig;
  readonly overrides?: TunnelOverrides;
  readonly mode: TunnelMode;
  /** How TCP inside the tunnel shares the path; BBR by default. */
  readonly congestion?: CongestionAlgorithm | undefined;
  /** Milliseconds until the first handshake must be there; 0 waits for ever. */
  readonly wait: number;
  readonly signal?: AbortSignal;
  /** IP texts of the name servers inside the tunnel; the platform's by default. */
  readonly nameServers?: readonly string[];
  /** In mode tun: nothing leaves outside the tunnel, until a stop. */
  readonly killSwitch?: boolean | undefined;
}

/**
 * arc.json names none. These are what the platform gives to each session (sessionStatus.dnsServers),
 * and are within the allowed IPs that it gives.
 */
export const PLATFORM_NAME_SERVERS: readonly string[] = ['100.127.0.53', '100.127.1.53'];

/** What computes a public key. */
export interface KeyPorts {
  readonly crypto: { publicKey(privateKey: Uint8Array): Uint8Array };
}

export interface OpenedTunnel {
  readonly tunnel: UserspaceTunnel;
  /** Resolves at the first handshake, rejects when the wait is over, with a TunnelError that says why. */
  readonly handshake: Promise<void>;
}

/**
 * Opens the tunnel and starts its handshake; `handshake` tells how that ended.
 *
 * @throws ArcConfigError when arc.json has no whole session, UserError `failed` for a mode that
 *   does not exist, `usage` for an MTU that an override gives
 */
export async function openTunnel(
  options: OpenTunnelOptions,
  ports: TunnelPorts,
): Promise<OpenedTunnel> {
  requireUserspace(options.mode);
  const config = planTunnel(options, ports);
  const deadline = options.wait === 0 ? Infinity : ports.clock.now() + options.wait;
  const tunnel = await UserspaceTunnel.open(config, ports);
  const handshake = tunnel.waitForHandshake(deadline, options.signal);
  // Whoever opened the tunnel may do other things first; an early failure is not unhandled.
  handshake.catch(() => undefined);
  return { tunnel, handshake };
}

/** @throws UserError `usage` for a mode that a single message cannot use */
export function requireUserspace(mode: TunnelMode): void {
  if (mode !== 'tun') return;
  throw new UserError('usage', {
    what: 'cannot use --mode tun',
    why: 'a single message goes through userspace, and needs no network interface',
    next: ['Use "arctun up --mode tun", and send by any program.'],
  });
}

/**
 * All that can be refused before anything is opened.
 *
 * @throws ArcConfigError, UserError as openTunnel
 */
export function planTunnel(options: OpenTunnelOptions, { crypto }: KeyPorts): TunnelConfig {
  const { arcConfig, overrides } = options;
  // Most callers have loaded it with this check; a renewed session comes without.
  const faults = tunnelFaults(arcConfig.config, overrides);
  if (faults.length > 0) throw new ArcConfigError(arcConfig.source, faults);
  requireMtu(options);
  const config = tunnelConfigOf(options);
  requireOther(config, crypto, options.arcConfig.source);
  return config;
}

function tunnelConfigOf(options: OpenTunnelOptions): TunnelConfig {
  const { arcConfig, overrides = {}, congestion, nameServers = PLATFORM_NAME_SERVERS } = options;
  const { config, source } = arcConfig;
  const session = requireSession(config, source);
  return parseTunnelConfig({
    privateKey: config.privateKey,
    serverPublicKey: session.arcServerPeerPublicKey,
    endpoint: session.arcServerEndpoint,
    address: session.arcClientPeerIpAddress,
    allowedIps: [
      ...session.arcAllowedIps,
      ...config.additionalAllowedIps,
      ...(overrides.additionalAllowedIps ?? []),
    ],
    mtu: overrides.mtu ?? effectiveMtu(config),
    persistentKeepaliveSeconds: overrides.persistentKeepalive ?? effectiveKeepalive(config),
    congestion,
    nameServers,
    killSwitch: options.killSwitch,
  });
}

function requireMtu({ arcConfig, overrides }: OpenTunnelOptions): void {
  const family = familyOf(arcConfig.config);
  const minimum = MINIMUM_MTU[family];
  if (overrides?.mtu === undefined || overrides.mtu >= minimum) return;
  throw new UserError('usage', {
    what: `cannot use --mtu ${overrides.mtu}`,
    why: `IPv${family} inside the tunnel needs ${minimum} or more`,
    next: ['Leave it out for the MTU of arc.json.'],
  });
}

/** WireGuard has no peer with our own key; the two keys have been mixed up. */
function requireOther(config: TunnelConfig, crypto: KeyPorts['crypto'], source: string): void {
  const own = crypto.publicKey(config.privateKey.expose());
  if (!sameBytes(config.serverPublicKey, own)) return;
  throw new ArcConfigError(source, [
    {
      line: 0,
      keyPath: 'arcSessionStatus.arcServerPeerPublicKey',
      found: "the public key of this file's own privateKey",
      expected: "the server's public key",
    },
  ]);
}
