/** What is known of an open tunnel at one moment: plain data, for whoever shows or judges it. */
import type { Silence } from '../lib/silence.js';

export interface TunnelStatus {
  readonly mode: 'tun' | 'userspace';
  /** The network interface; empty in userspace, which has none. */
  readonly interface: string;
  /** Ours, as base64. */
  readonly publicKey: string;
  /** Of the socket; 0 before the first datagram. */
  readonly listenPort: number;
  /** Of what is sent; 0 for none. */
  readonly fwmark: number;
  /** The largest IP packet inside, in bytes. */
  readonly mtu: number;
  /** Ours inside the tunnel, as texts. */
  readonly addresses: readonly string[];
  readonly health: TunnelHealth;
  /** Why nothing comes from the Arc server; undefined where nothing is missed. */
  readonly silence: { readonly reason: Silence; readonly why: string } | undefined;
  /**
   * The handshake with the Arc server that has no answer yet: for how many ms it has been tried, and
   * why, as far as that is known by now. Undefined where none is tried. A session may stand beside it.
   */
  readonly unanswered: { readonly for: number; readonly reason: Silence } | undefined;
  /**
   * For how many ms packets have been sent, the last one just now, and keepalives and nothing else have come
   * back; undefined where no packet is missed. What only sends looks the same.
   */
  readonly unreturnedFor: number | undefined;
  /** Another tunnel that uses our key, if one was noticed in the last 10 minutes. */
  readonly rival?: { readonly why: string; readonly lastSeenUnix: number } | undefined;
  /** When the tunnel was opened, in ms since 1970. */
  readonly openedUnix: number;
  /** The Arc server first; others where somebody has added them. */
  readonly peers: readonly PeerStatus[];
  /** Open TCP connections inside; undefined in mode tun, where the kernel has them. */
  readonly connections: number | undefined;
}

export type TunnelHealth =
  /** The first handshake is still awaited. */
  | 'connecting'
  /** The Arc server answers, or nothing is expected of it just now. */
  | 'up'
  /** The Arc server has not answered for longer than a session lasts, or has been given up. */
  | 'stale';

export interface PeerStatus {
  /** As base64. */
  readonly publicKey: string;
  /** `address:port`, IPv6 in brackets; undefined where it is not known. */
  readonly endpoint: string | undefined;
  /** `address/length` texts. */
  readonly allowedIps: readonly string[];
  /** Seconds; 0 is off. */
  readonly persistentKeepalive: number;
  /** When the last handshake was complete, in ms since 1970; undefined before the first. */
  readonly latestHandshakeUnix: number | undefined;
  /** Whole WireGuard messages, as `wg show … transfer` counts them. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Milliseconds from our last initiation that was answered to its response; undefined before that. */
  readonly roundTrip: number | undefined;
  /** The share, from 0 to 1, of data messages to us that did not come; undefined where none came. */
  readonly lossIn: number | undefined;
}
