/** The state of an open tunnel at one point in time, as plain data. */
import type { Silence } from '../lib/silence.js';
import type { TrafficPeriod } from '../lib/traffic-days.js';
import type { DirectionTraffic } from './traffic/outer-traffic.js';
import type { BudgetUse } from './traffic/traffic-budget.js';

export interface TunnelStatus {
  readonly mode: 'tun' | 'kernel' | 'userspace';
  /** The name of the network interface; empty in userspace mode. */
  readonly interface: string;
  /** The tunnel's own public key in base64. */
  readonly publicKey: string;
  /** The UDP socket's local port; 0 before the first datagram. */
  readonly listenPort: number;
  /** The mark on sent datagrams; 0 for no mark. */
  readonly fwmark: number;
  /** The maximum size of an IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  /** The tunnel's inner addresses, as strings. */
  readonly addresses: readonly string[];
  readonly health: TunnelHealth;
  /** Why the Arc server is silent; undefined if no response is overdue. */
  readonly silence: { readonly reason: Silence; readonly why: string } | undefined;
  /**
   * The unanswered handshake with the Arc server: how long it has lasted, in milliseconds, and the
   * likely reason. Undefined if no handshake is in progress. A session may exist at the same time.
   */
  readonly unanswered: { readonly for: number; readonly reason: Silence } | undefined;
  /**
   * For how many milliseconds the tunnel has sent packets but received only keepalives; undefined
   * if no reply is missing. Traffic that is one-way by design looks the same.
   */
  readonly unreturnedFor: number | undefined;
  /** Another tunnel that is using this key, if one was noticed in the last 10 minutes. */
  readonly rival?: { readonly why: string; readonly lastSeenUnix: number } | undefined;
  /** The time at which the tunnel was opened, in milliseconds since 1970. */
  readonly openedUnix: number;
  /** The Arc server, followed by any peers that were added through the UAPI. */
  readonly peers: readonly PeerStatus[];
  /**
   * The number of open TCP connections inside the tunnel; undefined if the system
   * runs TCP, as in tun mode and kernel mode.
   */
  readonly connections: number | undefined;
  /** The traffic outside the tunnel; undefined in kernel mode, in which the kernel sends it. */
  readonly traffic?: TrafficStatus | undefined;
}

/**
 * Traffic outside the tunnel, in bytes: WireGuard messages with their IP and UDP headers. A bill
 * may count other layers.
 */
export interface TrafficStatus {
  /** Since the tunnel was opened. */
  readonly sent: DirectionTraffic;
  readonly received: DirectionTraffic;
  /**
   * The part of `sent.bytes` in which TCP inside the tunnel repeated data; undefined if the system
   * runs TCP. WireGuard's padding is not included.
   */
  readonly retransmittedBytes?: number | undefined;
  /** All tunnels of this SIM and this user, by days in UTC; undefined if not stored. */
  readonly today?: TrafficPeriod | undefined;
  readonly month?: TrafficPeriod | undefined;
  /** The use of the budget, in both directions together; undefined without a budget. */
  readonly budget?: readonly BudgetUse[] | undefined;
}

export type TunnelHealth =
  /** The first handshake is not complete yet. */
  | 'connecting'
  /** The Arc server responds, or no response is due. */
  | 'up'
  /** The Arc server has been silent for longer than a session lasts, or the tunnel has given up. */
  | 'stale';

export interface PeerStatus {
  /** The peer's public key in base64. */
  readonly publicKey: string;
  /** `address:port`, with IPv6 addresses in brackets; undefined if unknown. */
  readonly endpoint: string | undefined;
  /** The peer's allowed IPs, each as `address/length`. */
  readonly allowedIps: readonly string[];
  /** The keepalive interval in seconds; 0 means disabled. */
  readonly persistentKeepalive: number;
  /** The time of the last handshake, in milliseconds since 1970; undefined before the first. */
  readonly latestHandshakeUnix: number | undefined;
  /** The size in bytes of all WireGuard messages, as counted by `wg show … transfer`. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /**
   * The round-trip time of the last answered initiation in milliseconds; undefined if none was
   * answered.
   */
  readonly roundTrip: number | undefined;
  /**
   * The fraction of the peer's data messages that were lost, from 0 to 1; undefined if none
   * arrived.
   */
  readonly lossIn: number | undefined;
}
