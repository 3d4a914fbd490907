/** The state of an open tunnel at one moment, as plain data. */
import type { Silence } from '../lib/silence.js';

export interface TunnelStatus {
  readonly mode: 'tun' | 'userspace';
  /** The name of the network interface; empty in userspace mode. */
  readonly interface: string;
  /** The tunnel's own public key, as base64. */
  readonly publicKey: string;
  /** The UDP socket's local port; 0 before the first datagram. */
  readonly listenPort: number;
  /** The mark on sent datagrams; 0 for none. */
  readonly fwmark: number;
  /** The largest IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  /** The tunnel's inner addresses, as texts. */
  readonly addresses: readonly string[];
  readonly health: TunnelHealth;
  /** Why the Arc server is silent; undefined if no answer is overdue. */
  readonly silence: { readonly reason: Silence; readonly why: string } | undefined;
  /**
   * The unanswered handshake with the Arc server: its duration in ms, and the reason, if known.
   * Undefined if no handshake is in progress. A session may exist at the same time.
   */
  readonly unanswered: { readonly for: number; readonly reason: Silence } | undefined;
  /**
   * For how many ms, up to now, the tunnel has sent packets and received only keepalives; undefined
   * if no reply is missing. One-way traffic looks the same.
   */
  readonly unreturnedFor: number | undefined;
  /** Another tunnel that uses this key, if one was noticed in the last 10 minutes. */
  readonly rival?: { readonly why: string; readonly lastSeenUnix: number } | undefined;
  /** When the tunnel was opened, in ms since 1970. */
  readonly openedUnix: number;
  /** The Arc server first, then any peers that were added through the UAPI. */
  readonly peers: readonly PeerStatus[];
  /**
   * The number of open TCP connections inside; undefined in mode tun, where the kernel has them.
   */
  readonly connections: number | undefined;
}

export type TunnelHealth =
  /** The first handshake is not complete yet. */
  | 'connecting'
  /** The Arc server answers, or no answer is due. */
  | 'up'
  /** The Arc server has been silent for longer than a session lasts, or the tunnel has given up. */
  | 'stale';

export interface PeerStatus {
  /** The peer's public key, as base64. */
  readonly publicKey: string;
  /** `address:port`, IPv6 in brackets; undefined if not known. */
  readonly endpoint: string | undefined;
  /** The peer's allowed IPs, as `address/length` texts. */
  readonly allowedIps: readonly string[];
  /** The keepalive interval in seconds; 0 is off. */
  readonly persistentKeepalive: number;
  /** When the last handshake was completed, in ms since 1970; undefined before the first. */
  readonly latestHandshakeUnix: number | undefined;
  /** Bytes in whole WireGuard messages, as `wg show … transfer` counts them. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Milliseconds from the last answered initiation to its response; undefined before that. */
  readonly roundTrip: number | undefined;
  /** The share, from 0 to 1, of the peer's data messages that were lost; undefined if none came. */
  readonly lossIn: number | undefined;
}
