/** Opens a tunnel, sends one message to Unified Endpoint, and closes the tunnel. */
import { UserError } from '../lib/errors/user-error.js';
import { DialError, type DialFailure } from '../proxy/dialer.js';
import { exchangeHttp, type HttpResponse, type HttpMessage } from '../proxy/http-exchange.js';
import { exchangeTcp } from '../proxy/tcp-exchange.js';
import { exchangeUdp } from '../proxy/udp-exchange.js';
import { maxDatagramPayload } from '../tunnel/node/datagram-channel.js';
import { TunnelError } from '../tunnel/tunnel-error.js';
import type { TunnelConfig } from '../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../tunnel/tunnel-ports.js';
import type { UserspaceTunnel } from '../tunnel/userspace-tunnel.js';
import { readableWarning } from './config/config-file-rights.js';
import type { LoadedArcConfig } from './config/load-arc-config.js';
import { claimSim, type ClaimSimPorts } from './up/claim-sim.js';
import type { TunnelMode } from './up/choose-mode.js';
import { openTunnel, type OpenTunnelOptions } from './up/open-tunnel.js';
import { planTunnel } from './up/plan-tunnel.js';

/** A message, and the protocol used to send it. */
export type Message =
  | { readonly via: 'http'; readonly request: HttpMessage }
  | { readonly via: 'tcp' | 'udp'; readonly payload: Uint8Array };

/** The response, which may be empty over TCP and UDP. */
export type SendResponse =
  | { readonly via: 'http'; readonly response: HttpResponse }
  | { readonly via: 'tcp' | 'udp'; readonly payload: Uint8Array | undefined };

export interface SendOptions extends OpenTunnelOptions {
  readonly arcConfig: LoadedArcConfig;
  readonly mode: TunnelMode;
  /** The destination inside the tunnel: IP address and port. */
  readonly target: { readonly host: string; readonly port: number };
  readonly message: Message;
  /** Timeout in milliseconds: until the response starts (TCP, UDP), or for inactivity (HTTP). */
  readonly timeout: number;
  /** Whether to send even if another process on this machine is using the SIM. */
  readonly force: boolean;
  /** This process's ID. */
  readonly pid: number;
}

export type SendPorts = TunnelPorts & Pick<ClaimSimPorts, 'claims'>;

/** The maximum response size in bytes; responses from SORACOM's services are much smaller. */
const MAX_ANSWER = 16 * 1024 * 1024;

/**
 * Sends the message and returns the response. Waits for another `send` with the same SIM to end.
 *
 * @throws UserError of kind `tunnel` if another process on this machine is using the SIM
 * @throws UserError of kind `usage` for tun mode, or if a UDP message does not fit into one packet
 * @throws TunnelError if no handshake or connection succeeds
 * @throws UserError of kind `failed` if the exchange fails
 */
export async function sendMessage(options: SendOptions, ports: SendPorts): Promise<SendResponse> {
  const { arcConfig, message, target, force, pid, signal } = options;
  const config = planTunnel({ arcConfig }, ports);
  requireUserspace(options.mode);
  if (message.via === 'udp') requireOnePacket(message.payload, target.host, config.mtu);
  const warning = readableWarning(arcConfig);
  if (warning !== undefined) ports.log.warn({}, warning);
  const publicKey = ports.crypto.publicKey(config.privateKey.expose());
  const use = () => ({ command: 'send' as const, pid });
  const claim = await claimSim({ publicKey, use, force, signal }, ports);
  try {
    return await sendThroughTunnel(config, options, ports);
  } finally {
    await claim.close();
  }
}

async function sendThroughTunnel(
  config: TunnelConfig,
  options: SendOptions,
  ports: TunnelPorts,
): Promise<SendResponse> {
  const { tunnel, handshake } = await openTunnel(config, options, ports);
  try {
    await handshake;
    return await exchange(tunnel, options);
  } catch (error) {
    throw explain(error, options);
  } finally {
    // The response is complete, or the exchange failed, so close without a grace period.
    await tunnel.close({ gracePeriod: 0 });
  }
}

function exchange(tunnel: UserspaceTunnel, options: SendOptions): Promise<SendResponse> {
  const { message, target, timeout, signal } = options;
  const limits = { timeout, maxAnswerBytes: MAX_ANSWER, ...(signal && { signal }) };
  switch (message.via) {
    case 'http': {
      const idle = { ...limits, idleTimeout: timeout };
      return exchangeHttp(tunnel.dialer, target, message.request, idle).then((response) => ({
        via: 'http',
        response,
      }));
    }
    case 'tcp':
      return exchangeTcp(tunnel.dialer, target, message.payload, limits).then((payload) => ({
        via: 'tcp',
        payload,
      }));
    case 'udp':
      return exchangeUdp(tunnel.datagramDialer, target, message.payload, limits).then(
        (payload) => ({ via: 'udp', payload }),
      );
  }
}

function requireUserspace(mode: TunnelMode): void {
  if (mode !== 'tun' && mode !== 'kernel') return;
  throw new UserError('usage', {
    what: `cannot use --mode=${mode}`,
    why: '`send` always runs in userspace, without a network interface',
    next: [`Run "arctun up --mode ${mode}", and send the message with any program.`],
  });
}

/** Rejects payloads that need several packets, because NATs and firewalls often drop fragments. */
function requireOnePacket(payload: Uint8Array, host: string, mtu: number): void {
  const limit = maxDatagramPayload(mtu, host.includes(':') ? 6 : 4);
  if (payload.length <= limit) return;
  throw new UserError('usage', {
    what: `cannot send ${payload.length} bytes over UDP`,
    why: `a packet in the tunnel (MTU ${mtu}) can hold ${limit} bytes, and arctun does not fragment packets`,
    next: ['Send a shorter message, or use --via tcp or --via http.'],
  });
}

function explain(error: unknown, { target }: SendOptions): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  const what = `cannot send to ${target.host}:${target.port}`;
  if (error instanceof DialError) {
    const { reason = 'not-connected', next = adviceFor(error) } =
      error.cause instanceof TunnelError ? error.cause : {};
    return new TunnelError(reason, { what, why: error.message, next, cause: error });
  }
  return new UserError('failed', {
    what,
    why: error.message,
    next: [
      'The message may have arrived, but it was not sent twice.',
      'Before you send it again, check whether it arrived.',
    ],
    cause: error,
  });
}

/** The failures that usually depend on the target. */
const TARGET_FAILURES = new Set<DialFailure>(['no-route', 'refused', 'unreachable', 'timeout']);

function adviceFor({ reason }: DialError): readonly string[] {
  if (!TARGET_FAILURES.has(reason)) return [];
  return ["Check the target's address and port (--forward-to)."];
}
