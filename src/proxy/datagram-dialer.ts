import type { DialTarget } from './dialer.js';

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
   * after the local address has changed
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
