/** Measures a connection's RTT: samples for the retransmission timer, and the minimum RTT. */
import { RtoEstimator } from './rto.js';

/** Selects the RTT samples for the retransmission timer (RFC 6298 3, RFC 7323 4). */
export class RoundTrips {
  readonly #estimator = new RtoEstimator();
  /** When the SYN was sent; undefined after a SYN cookie, which does not record that time. */
  #synSentAt: number | undefined = undefined;
  #lastSampleAt = -Infinity;
  #timedOutAt = -Infinity;

  /** Smoothed RTT in ms; 0 before the first sample. */
  get srtt(): number {
    return this.#estimator.srtt;
  }

  get rttvar(): number {
    return this.#estimator.rttvar;
  }

  /** The current retransmission timeout in ms. */
  get rto(): number {
    return this.#estimator.rto;
  }

  /** How many times in a row the timeout was doubled. */
  get backoff(): number {
    return this.#estimator.backoff;
  }

  synSent(now: number): void {
    this.#synSentAt = now;
  }

  /** @returns the RTT of the handshake in ms, or -1 if it is ambiguous (Karn's algorithm) */
  synAcknowledged(echoRtt: number, wasRepeated: boolean, now: number): number {
    const sentAt = this.#synSentAt;
    const rtt = wasRepeated || sentAt === undefined ? echoRtt : now - sentAt;
    if (rtt >= 0) this.#estimator.sample(rtt);
    if (wasRepeated) this.#estimator.handshakeRetransmitted();
    return rtt;
  }

  /**
   * Updates the RTT estimate after SND.UNA moved.
   *
   * @param rtt RTT of the first acknowledged segment in ms; -1 if any acknowledged segment was
   * retransmitted (Karn's algorithm)
   * @param echoRtt RTT from the echoed timestamp in ms; -1 without one
   */
  acknowledged(rtt: number, echoRtt: number, now: number): void {
    const estimator = this.#estimator;
    if (rtt >= 0) {
      this.#sample(rtt, now);
    } else if (echoRtt < 0) {
      estimator.ease();
    } else if (now - echoRtt < this.#timedOutAt) {
      // The echoed timestamp is older than the last timeout: earlier ACKs were lost, and this ACK
      // repeats the last lost one. `echoRtt` includes the time spent waiting for the timer and
      // would double the next timeout. The path works, so end the backoff.
      estimator.endBackoff();
    } else {
      this.#sample(echoRtt, now);
    }
  }

  /**
   * Samples once per round trip, as RFC 6298 3 requires. RFC 7323 appendix G: more samples would
   * distort the smoothed RTT.
   */
  #sample(rtt: number, now: number): void {
    const estimator = this.#estimator;
    if (estimator.backoff === 0 && now - this.#lastSampleAt < estimator.srtt) return;
    estimator.sample(rtt);
    this.#lastSampleAt = now;
  }

  timedOut(now: number): void {
    this.#timedOutAt = now;
    this.#estimator.backOff();
  }

  /** Reduces the backoff to one step because the path works again. */
  easeToOneStep(): void {
    while (this.#estimator.backoff > 1) this.#estimator.ease();
  }

  /** Backs off after the timer of a SYN expired. */
  synTimedOut(): void {
    this.#estimator.backOff();
  }
}

const MINIMUM_WINDOW = 300_000;

/**
 * The minimum RTT of the last few minutes, for RACK (RFC 8985 6.2 step 1), BBR and statistics. A
 * windowed minimum in constant space: the lower of the minima of the current and the previous half
 * window.
 */
export class MinimumRtt {
  #current = Infinity;
  #previous = Infinity;
  #halfEndsAt = -Infinity;

  /** The minimum RTT in ms; Infinity before the first sample. */
  get value(): number {
    return Math.min(this.#current, this.#previous);
  }

  sample(rtt: number, now: number): void {
    if (now >= this.#halfEndsAt) {
      const isRecent = now < this.#halfEndsAt + MINIMUM_WINDOW / 2;
      this.#previous = isRecent ? this.#current : Infinity;
      this.#current = Infinity;
      this.#halfEndsAt = now + MINIMUM_WINDOW / 2;
    }
    if (rtt < this.#current) this.#current = rtt;
  }
}
