/**
 * The parts of congestion avoidance that differ between Reno and CUBIC: how the window grows and
 * shrinks.
 */
export interface AvoidanceLaw {
  readonly algorithm: 'cubic' | 'reno';

  /**
   * Returns the ssthresh after a congestion event; at least two segments.
   *
   * @param window cwnd; in fast recovery, ssthresh, which cwnd approaches
   * @param flightSize FlightSize of RFC 5681
   */
  reduced(window: number, flightSize: number, mss: number): number;

  /**
   * Resets the growth state after a timeout. If the window must also be reduced, the caller calls
   * reduced() first.
   */
  timedOut(): void;

  /**
   * Returns cwnd after an ACK in congestion avoidance that moved SND.UNA by `acknowledged` octets.
   */
  grown(cwnd: number, acknowledged: number, mss: number, srtt: number, now: number): number;

  /** Excludes `duration` ms from growth over time, because cwnd did not limit the sender. */
  paused(duration: number): void;

  /** Saves the state that a reduction changes. */
  save(): void;

  /** Restores the state of the last save(). */
  restore(): void;
}
