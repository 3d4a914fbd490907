/**
 * The parts of congestion avoidance that differ between Reno and CUBIC: window growth and
 * reduction.
 */
export interface AvoidanceLaw {
  readonly algorithm: 'cubic' | 'reno';

  /**
   * Returns the ssthresh after a congestion event; at least two segments.
   *
   * @param window cwnd, or during recovery the window that cwnd approaches
   * @param flightSize FlightSize of RFC 5681
   */
  reduced(window: number, flightSize: number, mss: number): number;

  /**
   * Resets the growth state after a retransmission timeout. Called after reduced() if both apply.
   */
  timedOut(): void;

  /**
   * Returns cwnd after an ACK in congestion avoidance that moved SND.UNA by `acknowledged` octets.
   */
  grown(cwnd: number, acknowledged: number, mss: number, srtt: number, now: number): number;

  /**
   * Excludes `duration` ms, during which cwnd did not limit the sender, from the growth over time.
   */
  paused(duration: number): void;

  /** Saves the state that a reduction changes. */
  save(): void;

  /** Restores the state of the last save(). */
  restore(): void;
}
