/** The retransmission timeout: RFC 6298, with Linux's floor. All times in milliseconds. */

/** RFC 6298 2.1. */
const INITIAL_RTO = 1000;

/** RFC 6298 5.7: what data starts with when the SYN had to be sent again. */
const RTO_AFTER_SYN_LOSS = 3000;

/** RFC 6298 2.5 allows an upper bound of at least 60 s. */
const MAXIMUM_RTO = 60_000;

/**
 * RFC 6298 2.4 asks for RTO >= 1 s. Linux instead keeps the variance term at 200 ms or more
 * (TCP_RTO_MIN), which still outlasts a peer's delayed ACK; we do the same: RTO is never below
 * srtt + 200.
 */
const MINIMUM_VARIANCE_TERM = 200;

export class RtoEstimator {
  #srtt = 0;
  #rttvar = 0;
  #base = INITIAL_RTO;
  #backoff = 0;
  #measured = false;

  /** Smoothed round trip; 0 before the first sample. */
  get srtt(): number {
    return this.#srtt;
  }

  get rttvar(): number {
    return this.#rttvar;
  }

  /** The timeout for the next (re)transmission. */
  get rto(): number {
    return Math.min(MAXIMUM_RTO, this.#base * 2 ** this.#backoff);
  }

  /** How many times in a row the timeout was doubled. */
  get backoff(): number {
    return this.#backoff;
  }

  /**
   * Takes a round trip of a segment that was not ambiguous (Karn: RFC 6298 3). It ends a backoff:
   * RFC 6298 5, last but one paragraph.
   */
  sample(rtt: number): void {
    if (this.#measured) {
      // RFC 6298 2.3: RTTVAR first, with the old SRTT. Alpha = 1/8, beta = 1/4.
      this.#rttvar = 0.75 * this.#rttvar + 0.25 * Math.abs(this.#srtt - rtt);
      this.#srtt = 0.875 * this.#srtt + 0.125 * rtt;
    } else {
      this.#measured = true;
      this.#srtt = rtt;
      this.#rttvar = rtt / 2;
    }
    this.#base = this.#srtt + Math.max(MINIMUM_VARIANCE_TERM, 4 * this.#rttvar);
    this.#backoff = 0;
  }

  /** RFC 6298 5.5: the timer expired. */
  backOff(): void {
    if (this.#base * 2 ** this.#backoff < MAXIMUM_RTO) this.#backoff++;
  }

  /**
   * Something was acknowledged, though ambiguously: the backoff shrinks by one step. Without
   * timestamps a long repair gives no sample, and the full backoff would outlive the loss.
   */
  ease(): void {
    if (this.#backoff > 0) this.#backoff--;
  }

  /** An acknowledgement shows that the path carries, though it gives no sample. */
  endBackoff(): void {
    this.#backoff = 0;
  }

  /** The handshake needed more than one SYN: RFC 6298 5.7. */
  handshakeRetransmitted(): void {
    if (this.#measured) return;
    this.#base = RTO_AFTER_SYN_LOSS;
    this.#backoff = 0;
  }
}
