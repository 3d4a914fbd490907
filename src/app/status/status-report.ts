/** The report that a running `up` returns through its control socket. */
import type { NamedForwarder } from '../../proxy/forward/forwarder.js';
import { type ConnectionStatus, OPENERS } from '../../proxy/status/connection-list.js';
import type { ForwardStatus } from '../../proxy/port-forward/forward-counters.js';
import type { SpoolStatus } from '../spool/forwarder-spool.js';
import type { PeerStatus, TrafficStatus, TunnelStatus } from '../../tunnel/tunnel-status.js';

export interface TunnelIdentity {
  /** The control socket's name: the interface's name, plus the process ID if the name is taken. */
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  /** The SIM ID; empty if arc.json has none. */
  readonly simId: string;
  /** The tunnel's name for `wg` at WireGuard's userspace API; undefined without a UAPI socket. */
  readonly uapiName: string | undefined;
  /** Whether the process has several SIMs. */
  readonly isOfFleet?: boolean | undefined;
}

/** One of several SIMs of a process, whose tunnel is not open. */
export type ClosedTunnel = Pick<TunnelIdentity, 'name' | 'simId' | 'pid'>;

/** The tunnel's listeners; undefined for a listener that is not open. */
export interface TunnelListeners {
  /** The forwarder's URL. */
  readonly forward?: string | undefined;
  /** The forwarders with their own ports; undefined if none is open. */
  readonly furtherForwarders?: readonly NamedForwarder[] | undefined;
  /** The SOCKS5 and HTTP proxy, as ADDRESS:PORT or `unix:PATH`. */
  readonly proxy?: string | undefined;
  /** Whether clients of the proxy must send a password. */
  readonly proxyHasPassword?: boolean | undefined;
  /** The DNS listener, as ADDRESS:PORT. */
  readonly dns?: string | undefined;
  /** The URL of the --status-listen pages. */
  readonly status?: string | undefined;
  /** The port forwards; undefined if the mode does not support them. */
  readonly forwards?: readonly ForwardStatus[] | undefined;
}

/** The status as plain data without secrets. */
export interface StatusReport extends TunnelIdentity, TunnelStatus {
  /** The name servers inside the tunnel, as IP addresses in text form. */
  readonly nameServers?: readonly string[] | undefined;
  readonly listeners: TunnelListeners;
  /** The latest open TCP connections, the latest first; undefined if the system runs TCP. */
  readonly openConnections?: readonly ConnectionStatus[] | undefined;
  /** The messages in the spool; undefined without a spool. */
  readonly spool?: SpoolStatus | undefined;
}

type Check = (value: unknown) => boolean;

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

function object<Type>(members: Record<keyof Type, Check>) {
  const checks = Object.entries<Check>(members);
  return (value: unknown): value is Type =>
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

export const isForward = object<ForwardStatus>({
  kind: oneOf('local', 'remote'),
  protocol: oneOf('tcp', 'udp'),
  listen: isText,
  target: isText,
  connections: isNumber,
  active: isNumber,
  failures: isNumber,
  dropped: isNumber,
  sentBytes: isNumber,
  receivedBytes: isNumber,
});

const isDirection = object<TrafficStatus['sent']>({
  datagrams: isNumber,
  bytes: isNumber,
  keepaliveBytes: isNumber,
  handshakeBytes: isNumber,
});

const isPeriod = object<NonNullable<TrafficStatus['today']>>({
  period: isText,
  sentBytes: isNumber,
  receivedBytes: isNumber,
});

const isBudget = object<NonNullable<TrafficStatus['budget']>[number]>({
  per: oneOf('day', 'month'),
  period: isText,
  bytes: isNumber,
  usedBytes: isNumber,
  endsUnix: isNumber,
});

const isTraffic = object<TrafficStatus>({
  sent: isDirection,
  received: isDirection,
  retransmittedBytes: optional(isNumber),
  today: optional(isPeriod),
  month: optional(isPeriod),
  budget: optional(listOf(isBudget)),
});

const isSpool = object<SpoolStatus>({
  folder: isText,
  queued: isNumber,
  sending: isNumber,
  unknown: isNumber,
  refused: isNumber,
});

const isConnection = object<ConnectionStatus>({
  opener: oneOf(...OPENERS),
  target: isText,
  age: isNumber,
  sentBytes: isNumber,
  receivedBytes: isNumber,
});

export const isClosedTunnel = object<ClosedTunnel>({ name: isText, simId: isText, pid: isNumber });

/**
 * Checks a report, because another version may omit fields. The check does not use a validation
 * library, because loading one would take longer than the rest of `health`, which runs every few
 * seconds.
 */
export const isStatusReport = object<StatusReport>({
  name: isText,
  version: isText,
  pid: isNumber,
  simId: isText,
  uapiName: optional(isText),
  isOfFleet: optional((value) => typeof value === 'boolean'),
  listeners: object<TunnelListeners>({
    forward: optional(isText),
    furtherForwarders: optional(listOf(object<NamedForwarder>({ url: isText, target: isText }))),
    proxy: optional(isText),
    proxyHasPassword: optional((value) => typeof value === 'boolean'),
    dns: optional(isText),
    status: optional(isText),
    forwards: optional(listOf(isForward)),
  }),
  mode: oneOf('tun', 'kernel', 'userspace'),
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
  nameServers: optional(listOf(isText)),
  connections: optional(isNumber),
  traffic: optional(isTraffic),
  openConnections: optional(listOf(isConnection)),
  spool: optional(isSpool),
});
