/** What a running `up` tells of itself to whoever asks at its control socket. */
import type { PeerStatus, TunnelStatus } from '../../tunnel/tunnel-status.js';

/** Who has the tunnel. */
export interface TunnelIdentity {
  /** As its control socket is called: the interface's name, with the process's number where that is taken. */
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  /** Empty where arc.json has none. */
  readonly simId: string;
  /** Its name at WireGuard's userspace interface, for `wg`; undefined where it has none there. */
  readonly uapiName: string | undefined;
}

/** Where the tunnel's own listeners are; undefined where there is none. */
export interface TunnelListeners {
  /** The forwarder's URL. */
  readonly forward?: string | undefined;
  /** The SOCKS5 and HTTP proxy, as ADDRESS:PORT. */
  readonly proxy?: string | undefined;
  /** The pages of --status-listen, as a URL. */
  readonly status?: string | undefined;
}

/** Plain data, without a secret. */
export interface StatusReport extends TunnelIdentity, TunnelStatus {
  readonly listeners: TunnelListeners;
}

type Check = (value: unknown) => boolean;

/**
 * Whether what came is a report: another version may have written it, which leaves a member out.
 * By hand, for `health` runs every few seconds and a library for this takes longer to load than
 * everything else that it does.
 */
export function isStatusReport(value: unknown): value is StatusReport {
  return isReport(value);
}

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number';

function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

function oneOf(...texts: readonly string[]): Check {
  return (value) => texts.includes(value as string);
}

function object<Type>(members: Record<keyof Type, Check>): Check {
  const checks = Object.entries<Check>(members);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    checks.every(([name, check]) => check((value as Record<string, unknown>)[name]));
}

const isPeer = object<PeerStatus>({
  publicKey: isText,
  endpoint: optional(isText),
  allowedIps: listOf(isText),
  persistentKeepalive: isNumber,
  latestHandshakeUnix: optional(isNumber),
  sentBytes: isNumber,
  receivedBytes: isNumber,
  roundTrip: optional(isNumber),
  lossIn: optional(isNumber),
});

const isReport = object<StatusReport>({
  name: isText,
  version: isText,
  pid: isNumber,
  simId: isText,
  uapiName: optional(isText),
  listeners: object<TunnelListeners>({
    forward: optional(isText),
    proxy: optional(isText),
    status: optional(isText),
  }),
  mode: oneOf('tun', 'userspace'),
  interface: isText,
  publicKey: isText,
  listenPort: isNumber,
  fwmark: isNumber,
  mtu: isNumber,
  addresses: listOf(isText),
  health: oneOf('connecting', 'up', 'stale'),
  silence: optional(object<NonNullable<TunnelStatus['silence']>>({ reason: isText, why: isText })),
  unanswered: optional(
    object<NonNullable<TunnelStatus['unanswered']>>({ for: isNumber, reason: isText }),
  ),
  unreturnedFor: optional(isNumber),
  rival: optional(
    object<NonNullable<TunnelStatus['rival']>>({ why: isText, lastSeenUnix: isNumber }),
  ),
  openedUnix: isNumber,
  peers: listOf(isPeer),
  connections: optional(isNumber),
});
