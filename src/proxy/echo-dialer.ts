/** The interface through which programs ping hosts. Implementations send only inside the tunnel. */
export interface EchoDialer {
  /**
   * Opens a channel for ICMP echo requests to one host, as soon as the tunnel has a session.
   *
   * @param host an IP address in text form, or a name to resolve inside the tunnel
   * @throws DialError if the name has no address of the family or the channel cannot be opened; all
   * waits are limited
   */
  open(host: string, options?: EchoOptions): Promise<EchoChannel>;
}

export interface EchoOptions {
  /** The only address family to use; by default, both. */
  readonly family?: 4 | 6 | undefined;
  /** Aborts the attempt; the promise then rejects with the abort reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A channel that sends echo requests to one host and receives the host's replies. */
export interface EchoChannel {
  /** The IP address of the host, in text form. */
  readonly address: string;
  /** The maximum payload in bytes, which fits into the MTU because requests are not fragmented. */
  readonly maxPayload: number;

  /**
   * Sends one echo request. The caller may reuse `payload` immediately.
   *
   * @param sequence 0 to 65535
   * @returns the time at which the request was sent, on the clock of EchoEvent.at
   * @throws RangeError if the payload is longer than `maxPayload`
   * @throws DialError `exhausted` if the send queue is full, `closed` after close(), `unreachable`
   * after the local address has changed, `over-budget`
   */
  send(sequence: number, payload: Uint8Array): number;

  /**
   * Returns the next reply or error; undefined after the timeout. At most 64 events are queued;
   * further ones are lost. Only one call may be pending.
   *
   * @param timeout milliseconds
   * @param signal aborts the wait; the promise then rejects with the abort reason
   * @throws DialError `unreachable` after the local address has changed, `closed` after close()
   */
  receive(timeout: number, signal?: AbortSignal): Promise<EchoEvent | undefined>;

  /** Frees the channel. Further calls have no effect. */
  close(): void;
}

export type EchoEvent = EchoReplyEvent | EchoErrorEvent;

export interface EchoReplyEvent {
  readonly kind: 'reply';
  readonly sequence: number;
  /** The time of arrival in monotonic milliseconds. */
  readonly at: number;
  readonly payload: Uint8Array;
  /** The TTL or hop limit with which the reply arrived. */
  readonly ttl: number;
}

/** An ICMP error about a request. */
export interface EchoErrorEvent {
  readonly kind: 'error';
  /** The sequence number of the request. */
  readonly sequence: number;
  /** The time of arrival in monotonic milliseconds. */
  readonly at: number;
  /** The IP address of the host or router that reported the error, in text form. */
  readonly from: string;
  /** The error in the words of ping(8), such as `Destination Host Unreachable`. */
  readonly text: string;
}
