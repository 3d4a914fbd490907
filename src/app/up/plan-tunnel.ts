/** Builds the configuration of a tunnel from arc.json and the flags. */
import { ArcConfigError, unplacedFault } from '../../arc-config/arc-config-error.js';
import { effectiveKeepalive, effectiveMtu } from '../../arc-config/arc-config.js';
import { requireSession } from '../../arc-config/require-session.js';
import {
  familyOf,
  MINIMUM_MTU,
  tunnelFaults,
  type TunnelOverrides,
} from '../../arc-config/tunnel-faults.js';
import { sameBytes } from '../../lib/same-bytes.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { HostNames } from '../../proxy/dns/host-names.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { parseTunnelConfig, type TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { TrafficBudget } from '../../tunnel/traffic/traffic-budget.js';
import type { CongestionAlgorithm } from '../../tunnel/userspace-tunnel.js';

export interface TunnelPlan {
  readonly arcConfig: LoadedArcConfig;
  readonly overrides?: TunnelOverrides;
  /** Congestion control for TCP inside the tunnel; BBR by default. */
  readonly congestion?: CongestionAlgorithm | undefined;
  /** IP addresses of the name servers inside the tunnel; SORACOM's by default. */
  readonly nameServers?: readonly string[];
  /** Names whose addresses replace those of the name servers. */
  readonly hosts?: HostNames | undefined;
  /** In tun mode: whether to block traffic meant for the tunnel until `up` is stopped. */
  readonly killSwitch?: boolean | undefined;
  /** In userspace mode: the traffic after which new work is refused. */
  readonly budget?: TrafficBudget | undefined;
}

/**
 * SORACOM's name servers, which arc.json does not contain. Every session uses these servers
 * (sessionStatus.dnsServers), and its allowed IPs include them.
 */
export const PLATFORM_NAME_SERVERS: readonly string[] = ['100.127.0.53', '100.127.1.53'];

export interface KeyPorts {
  readonly crypto: { publicKey(privateKey: Uint8Array): Uint8Array };
}

/**
 * Builds the configuration, and checks everything that can be checked before opening anything.
 *
 * @throws ArcConfigError if arc.json has no complete session
 * @throws UserError of kind `usage` for an invalid MTU override
 */
export function planTunnel(options: TunnelPlan, { crypto }: KeyPorts): TunnelConfig {
  const { arcConfig, overrides } = options;
  // Most callers have already checked this configuration, but a renewed session has not been
  // checked.
  const faults = tunnelFaults(arcConfig.config, overrides);
  if (faults.length > 0) throw new ArcConfigError(arcConfig.source, faults);
  requireMtu(options);
  const config = tunnelConfigOf(options);
  requireOther(config, crypto, arcConfig.source);
  return config;
}

function tunnelConfigOf(options: TunnelPlan): TunnelConfig {
  const { arcConfig, overrides = {}, congestion, nameServers = PLATFORM_NAME_SERVERS } = options;
  const { config, source, path } = arcConfig;
  const session = requireSession(config, source);
  return parseTunnelConfig({
    configName: { source, path },
    simId: config.simId,
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
    hosts: options.hosts,
    fallbackHosts: PLATFORM_HOSTS,
    killSwitch: options.killSwitch,
    budget: options.budget,
  });
}

function requireMtu({ arcConfig, overrides }: TunnelPlan): void {
  const family = familyOf(arcConfig.config);
  const minimum = MINIMUM_MTU[family];
  if (overrides?.mtu === undefined || overrides.mtu >= minimum) return;
  throw new UserError('usage', {
    what: `cannot use --mtu=${overrides.mtu}`,
    why: `the MTU must be at least ${minimum} for IPv${family} inside the tunnel`,
    next: [`Remove --mtu to use the MTU in ${arcConfig.source}.`],
  });
}

/** Refuses a server key that equals the client's own key: the keys were mixed up. */
function requireOther(config: TunnelConfig, crypto: KeyPorts['crypto'], source: string): void {
  const own = crypto.publicKey(config.privateKey.expose());
  if (!sameBytes(config.serverPublicKey, own)) return;
  throw new ArcConfigError(source, [
    unplacedFault(
      'arcSessionStatus.arcServerPeerPublicKey',
      'the public key that belongs to privateKey',
      "the server's public key",
    ),
  ]);
}

/**
 * The documented, fixed addresses of SORACOM's services inside the tunnel. They are used only if no
 * name server of the tunnel answers.
 */
export const PLATFORM_HOSTS: HostNames = new Map([
  ['uni.soracom.io', ['100.127.69.42']],
  ['unified.soracom.io', ['100.127.69.42']],
  ['beam.soracom.io', ['100.127.127.100']],
  ['funnel.soracom.io', ['100.127.65.43']],
  ['harvest.soracom.io', ['100.127.111.111']],
  ['metadata.soracom.io', ['100.127.100.127']],
  ['pong.soracom.io', ['100.127.100.127']],
  ['ntp.soracom.io', ['100.127.0.123']],
]);
