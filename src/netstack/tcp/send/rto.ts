/**
 * Computes the retransmission timeout: RFC 6298 with Linux's lower bound. All times are in
 * milliseconds.
 */

/** The RTO before the first sample (RFC 6298 2.1). */
const INITIAL_RTO = 1000;

/** RFC 6298 5.7: the initial RTO for data if the SYN was retransmitted. */
const RTO_AFTER_SYN_LOSS = 3000;

/** RFC 6298 2.5 allows an upper bound of 60 s or more. */
const MAXIMUM_RTO = 60_000;

/**
 * RFC 6298 2.4 requires RTO >= 1 s. Like Linux (TCP_RTO_MIN), this stack instead keeps the variance
 * term at 200 ms or more, which is still longer than a peer delays its ACKs: the RTO is never below
 * srtt + 200 ms.
 */
const MINIMUM_VARIANCE_TERM = 200;

export class RtoEstimator {
  #srtt = 0;
  #rttvar = 0;
  #base = INITIAL_RTO;
  #backoff = 0;
  #measured = false;

  /** Smoothed RTT; 0 before the first sample. */
  get srtt(): number {
    return this.#srtt;
  }

  get rttvar(): number {
    return this.#rttvar;
  }

  /** The current retransmission timeout. */
  get rto(): number {
    return Math.min(MAXIMUM_RTO, this.#base * 2 ** this.#backoff);
  }

  /** How many times in a row the timeout was doubled. */
  get backoff(): number {
    return this.#backoff;
  }

  /**
   * Adds an unambiguous RTT sample (RFC 6298 3, Karn's algorithm), and ends any backoff (RFC 6298
   * 5, second-to-last paragraph).
   */
  sample(rtt: number): void {
    if (this.#measured) {
      // RFC 6298 2.3: update RTTVAR first, with the old SRTT. Alpha = 1/8, beta = 1/4.
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

  /** RFC 6298 5.5: doubles the timeout after the timer expired. */
  backOff(): void {
    if (this.#base * 2 ** this.#backoff < MAXIMUM_RTO) this.#backoff++;
  }

  /**
   * Reduces the backoff by one step after an ambiguous ACK. Without timestamps, a long recovery
   * yields no samples, and a full backoff would last longer than the loss.
   */
  ease(): void {
    if (this.#backoff > 0) this.#backoff--;
  }

  /** Ends the backoff after an ACK that proves that the path works but yields no sample. */
  endBackoff(): void {
    this.#backoff = 0;
  }

  /** Sets the initial RTO for data after a SYN was retransmitted (RFC 6298 5.7). */
  handshakeRetransmitted(): void {
    if (this.#measured) return;
    this.#base = RTO_AFTER_SYN_LOSS;
    this.#backoff = 0;
  }
}
