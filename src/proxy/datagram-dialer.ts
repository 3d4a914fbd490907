import type { DialTarget } from './dialer.js';

/**
 * The interface through which a proxy sends UDP. Datagrams are only ever sent through the tunnel.
 */
export interface DatagramDialer {
  /**
   * Opens a UDP channel to one host inside the tunnel, as soon as the tunnel has a session.
   *
   * @param target host as an IP address in text form, port 1 to 65535
   * @param signal aborts the attempt; the promise then rejects with the signal's reason
   * @throws DialError if the channel cannot be opened; every wait is bounded
   */
  open(target: DialTarget, signal?: AbortSignal): Promise<DatagramChannel>;
}

/**
 * Exchanges datagrams between a local port and one target. Datagrams may be lost in both
 * directions.
 */
export interface DatagramChannel {
  /** The longest payload in bytes that fits into the MTU, because datagrams are not fragmented. */
  readonly maxPayload: number;

  /**
   * Sends one datagram. The caller may reuse `payload` immediately.
   * @throws RangeError if the payload is longer than `maxPayload`
   * @throws DialError `exhausted` if the send queue is full, `closed` after close(), `unreachable`
   * once the local address has changed
   */
  send(payload: Uint8Array): void;

  /**
   * Returns the next datagram from the target, or undefined on timeout. Allows one call at a time.
   *
   * @param timeout milliseconds
   * @param signal aborts the wait; the promise then rejects with the signal's reason
   * @throws DialError `refused` or `unreachable` after an ICMP error, `unreachable` once the local
   * address has changed, `closed` after close()
   */
  receive(timeout: number, signal?: AbortSignal): Promise<Uint8Array | undefined>;

  /** Frees the port. Later calls have no effect. */
  close(): void;
}
