import type { DialError, DialTarget } from './dialer.js';

/** The interface through which a proxy sends UDP. Implementations never send outside the tunnel. */
export interface DatagramDialer {
  /**
   * Opens a UDP channel to one host inside the tunnel, as soon as the tunnel has a session.
   *
   * @param target the host as an IP address in text form, and a port from 1 to 65535
   * @param signal aborts the attempt; the promise then rejects with the abort reason
   * @throws DialError if the channel cannot be opened; all waits are limited
   */
  open(target: DialTarget, signal?: AbortSignal): Promise<DatagramChannel>;
}

/** A channel for datagrams between a local port and one target. The channel may lose datagrams. */
export interface DatagramChannel {
  /** The maximum payload in bytes, which fits into the MTU because datagrams are not fragmented. */
  readonly maxPayload: number;

  /**
   * Sends one datagram. The caller may reuse `payload` immediately.
   * @throws RangeError if the payload is longer than `maxPayload`
   * @throws DialError `exhausted` if the send queue is full, `closed` after close(), `unreachable`
   * after the local address has changed, `over-budget`
   */
  send(payload: Uint8Array): void;

  /**
   * Returns the next datagram from the target; undefined after the timeout. Only one call may be
   * pending.
   *
   * @param timeout milliseconds
   * @param signal aborts the wait; the promise then rejects with the abort reason
   * @throws DialError `refused` or `unreachable` after an ICMP error, `unreachable` after the local
   * address has changed, `closed` after close()
   */
  receive(timeout: number, signal?: AbortSignal): Promise<Uint8Array | undefined>;

  /** Frees the port. Further calls have no effect. */
  close(): void;
}

/** A channel that can pass datagrams to handlers as they arrive, which is faster than receive(). */
export interface PushedChannel extends DatagramChannel {
  /**
   * Passes each further datagram and error to the handlers, instead of to receive(). The handlers
   * must not throw.
   */
  subscribe(handlers: DatagramHandlers): void;
}

/** A DatagramDialer whose channels can push, and whose targets may be names. */
export interface PushingDatagramDialer extends DatagramDialer {
  /** @param target a host as an IP address or a name to resolve inside the tunnel, and a port */
  open(target: DialTarget, signal?: AbortSignal): Promise<PushedChannel>;
}

/** The handlers of a channel's events. */
export interface DatagramHandlers {
  readonly onDatagram: (payload: Uint8Array) => void;
  /** Called with the errors that receive() would throw, except `closed`. */
  readonly onError: (error: DialError) => void;
}

/** A UDP address inside the tunnel. */
export interface DatagramAddress {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
}

/**
 * Why a port did not send a datagram:
 *
 * - `no-route`: the target is outside the allowed IPs, or cannot be a host's address
 * - `too-long`: the payload does not fit into one packet
 * - `queue-full`: too many datagrams are waiting to be sent
 * - `closed`: the port or the tunnel is closed
 * - `over-budget`: the traffic budget is used up
 */
export type UnsentReason = 'no-route' | 'too-long' | 'queue-full' | 'closed' | 'over-budget';

/**
 * A UDP port inside the tunnel, which exchanges datagrams with any number of hosts. All hosts see
 * the same source port (RFC 4787 4.1, endpoint-independent mapping).
 */
export interface DatagramPort {
  /**
   * Sends one datagram. The caller may reuse `payload` immediately. Before the first handshake, a
   * few datagrams wait for the session, and further ones are lost.
   *
   * @returns undefined if the datagram was sent, otherwise the reason
   */
  send(payload: Uint8Array, to: DatagramAddress): UnsentReason | undefined;
  /** Frees the port. Further calls have no effect. */
  close(): void;
}

/** Receives a datagram and owns `payload`. Must not throw. */
export type DatagramReceiver = (payload: Uint8Array, from: DatagramAddress) => void;

/** The interface through which a proxy opens UDP ports inside the tunnel. */
export interface DatagramPorts {
  /**
   * Opens a UDP port. Does not wait for a session.
   *
   * @throws DialError `exhausted` if too many ports are open, `closed` if the tunnel is closing
   */
  bind(onDatagram: DatagramReceiver): Promise<DatagramPort>;

  /**
   * Resolves a name inside the tunnel.
   *
   * @returns the first address that the tunnel can reach, 4 or 16 bytes
   * @param signal aborts the wait; the promise then rejects with the abort reason
   * @throws DialError if the name has no address, or none that the tunnel can reach; all waits are
   * limited
   */
  resolve(name: string, signal?: AbortSignal): Promise<Uint8Array>;
}
