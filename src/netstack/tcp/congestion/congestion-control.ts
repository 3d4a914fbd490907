/**
 * How much may be in flight. The sender finds losses; an implementation of this decides what they
 * mean. All sizes in bytes, names as in RFC 5681.
 */
export interface CongestionControl {
  /** The congestion window; never below one MSS. */
  readonly cwnd: number;
  readonly ssthresh: number;

  /** The effective MSS became known or changed. */
  setMss(mss: number): void;

  /** `bytes` of new data were acknowledged outside of loss recovery, with `flight` out before. */
  acknowledged(bytes: number, flight: number): void;

  /** A loss was found by duplicate ACKs; the segment is being sent again. */
  enterRecovery(flight: number): void;

  /** One more duplicate ACK in recovery: a segment has left the network. */
  duplicateInRecovery(): void;

  /** An ACK of `bytes` in recovery that left a hole. */
  partiallyAcknowledged(bytes: number): void;

  /** All that was out when recovery began is acknowledged; `flight` bytes are out now. */
  exitRecovery(flight: number): void;

  /** The retransmission timer expired. `first`: not already sent again by the timer. */
  timedOut(flight: number, first: boolean): void;

  /** Nothing was sent for longer than one RTO (RFC 5681 4.1). */
  restartAfterIdle(): void;
}
