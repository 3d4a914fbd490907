/** In what Reno and CUBIC differ: the window of congestion avoidance, and what a loss makes of it. */
export interface AvoidanceLaw {
  readonly algorithm: 'cubic' | 'reno';

  /**
   * ssthresh after a congestion event; never below two segments.
   *
   * @param window cwnd, or what it is on its way to within a recovery
   * @param flightSize FlightSize of RFC 5681
   */
  reduced(window: number, flightSize: number, mss: number): number;

  /** The retransmission timer expired; after reduced(), where that is due. */
  timedOut(): void;

  /** cwnd after an ACK of congestion avoidance that moved SND.UNA by `acknowledged` bytes. */
  grown(cwnd: number, acknowledged: number, mss: number, srtt: number, now: number): number;

  /** For so many ms, cwnd was not what held the sender back. */
  paused(duration: number): void;

  /** Keeps what a reduction changes. */
  save(): void;

  /** Takes back what changed since save(). */
  restore(): void;
}
