/** Which round trips the retransmission timer learns from: RFC 6298 3, RFC 7323 4. */
import { RtoEstimator } from './rto.js';

export class RoundTrips {
  readonly #estimator = new RtoEstimator();
  /** Undefined where the SYN-ACK was a cookie: nothing tells when that left. */
  #synSentAt: number | undefined = undefined;
  #lastSampleAt = -Infinity;
  #timedOutAt = -Infinity;

  /** Smoothed round trip; 0 before the first sample. */
  get srtt(): number {
    return this.#estimator.srtt;
  }

  get rttvar(): number {
    return this.#estimator.rttvar;
  }

  /** The timeout for the next (re)transmission. */
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

  /** @returns the round trip of the handshake, or -1 where it is ambiguous (Karn) */
  synAcknowledged(echoRtt: number, wasRepeated: boolean, now: number): number {
    const sentAt = this.#synSentAt;
    const rtt = wasRepeated || sentAt === undefined ? echoRtt : now - sentAt;
    if (rtt >= 0) this.#estimator.sample(rtt);
    if (wasRepeated) this.#estimator.handshakeRetransmitted();
    return rtt;
  }

  /**
   * SND.UNA moved.
   *
   * @param rtt of the first segment that was acknowledged, -1 where one of them left twice (Karn)
   * @param echoRtt by the echoed timestamp, -1 without
   */
  acknowledged(rtt: number, echoRtt: number, now: number): void {
    const estimator = this.#estimator;
    if (rtt >= 0) {
      this.#sample(rtt, now);
    } else if (echoRtt < 0) {
      estimator.ease();
    } else if (now - echoRtt < this.#timedOutAt) {
      // The echo is older than the last expiry of the timer: all ACKs were lost, and a duplicate
      // of the last one came now. The wait for the timer is no round trip; taken as one it would
      // double the next wait, and so on. But the path is alive, so the backoff is over.
      estimator.endBackoff();
    } else {
      this.#sample(echoRtt, now);
    }
  }

  /** Once a round trip, as RFC 6298 3 asks; RFC 7323 appendix G: more would distort the filter. */
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

  /** The path carries again: of the backoff one step is left. */
  easeToOneStep(): void {
    while (this.#estimator.backoff > 1) this.#estimator.ease();
  }

  /** The timer of a SYN expired. */
  synTimedOut(): void {
    this.#estimator.backOff();
  }
}
