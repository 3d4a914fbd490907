import type { DialTarget } from './dialer.js';

/** All that a proxy knows of UDP in the tunnel. Nothing is ever sent outside of it. */
export interface DatagramDialer {
  /**
   * Opens a way for datagrams to and from one host inside the tunnel, as soon as the tunnel has a
   * session.
   *
   * @param target host as an IP address in text form, port 1 to 65535
   * @param signal ends the attempt; the promise then rejects with its reason
   * @throws DialError when there is no way; never waits without bound
   */
  open(target: DialTarget, signal?: AbortSignal): Promise<DatagramChannel>;
}

/** Datagrams between a port of ours and one target. Any may be lost, in both directions. */
export interface DatagramChannel {
  /** The longest payload, in bytes: what fits into the MTU, for nothing is fragmented. */
  readonly maxPayload: number;

  /**
   * Sends one datagram; `payload` may be reused at once.
   * @throws RangeError when it is longer than `maxPayload`
   * @throws DialError `exhausted` when too many wait to be sent, `closed` after the end, `unreachable`
   *   from when on our address has changed
   */
  send(payload: Uint8Array): void;

  /**
   * The next datagram from the target; undefined when none came in time. One call at a time.
   *
   * @param timeout milliseconds
   * @param signal ends the wait; the promise then rejects with its reason
   * @throws DialError `refused` or `unreachable` when an ICMP error said so, `unreachable` from when
   *   on our address has changed, `closed` at the end
   */
  receive(timeout: number, signal?: AbortSignal): Promise<Uint8Array | undefined>;

  /** Frees the port. A second time does nothing. */
  close(): void;
}
