/**
 * HyStart++ (RFC 9406): ends the first slow start when the RTT increases, before the bottleneck's
 * queue is full. Names follow section 4.2.
 */

// The values that section 4.3 recommends. Times are in ms.
const MIN_RTT_THRESH = 4;
const MAX_RTT_THRESH = 16;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;

export class HyStart {
  #lastRoundMinRtt = Infinity;
  #currentRoundMinRtt = Infinity;
  #rttSampleCount = 0;
  /** The minimum RTT when Conservative Slow Start began; Infinity in other phases. */
  #cssBaselineMinRtt = Infinity;
  #cssRounds = 0;

  get growthDivisor(): number {
    return this.#isConservative ? CSS_GROWTH_DIVISOR : 1;
  }

  get #isConservative(): boolean {
    return this.#cssBaselineMinRtt !== Infinity;
  }

  /**
   * Processes an ACK in slow start.
   *
   * @param rtt the RTT in ms; -1 if unknown
   * @returns whether slow start has ended
   */
  acknowledged(rtt: number, isRoundStart: boolean): boolean {
    if (isRoundStart && this.#endRound()) return true;
    if (rtt < 0) return false;
    this.#currentRoundMinRtt = Math.min(this.#currentRoundMinRtt, rtt);
    this.#rttSampleCount++;
    if (this.#rttSampleCount >= N_RTT_SAMPLE) this.#compare();
    return false;
  }

  /** Discards the measurements after an idle period, since they do not predict later rounds. */
  restart(): void {
    this.#currentRoundMinRtt = Infinity;
    this.#lastRoundMinRtt = Infinity;
    this.#rttSampleCount = 0;
    this.#cssBaselineMinRtt = Infinity;
    this.#cssRounds = 0;
  }

  #endRound(): boolean {
    this.#lastRoundMinRtt = this.#currentRoundMinRtt;
    this.#currentRoundMinRtt = Infinity;
    this.#rttSampleCount = 0;
    // Count the round in which Conservative Slow Start began, too.
    if (this.#isConservative) this.#cssRounds++;
    return this.#cssRounds >= CSS_ROUNDS;
  }

  #compare(): void {
    if (this.#isConservative) {
      // The RTT increase was jitter: resume slow start.
      if (this.#currentRoundMinRtt < this.#cssBaselineMinRtt) {
        this.#cssBaselineMinRtt = Infinity;
        this.#cssRounds = 0;
      }
      return;
    }
    const last = this.#lastRoundMinRtt;
    if (last === Infinity) return;
    const thresh = Math.max(MIN_RTT_THRESH, Math.min(last / MIN_RTT_DIVISOR, MAX_RTT_THRESH));
    if (this.#currentRoundMinRtt >= last + thresh)
      this.#cssBaselineMinRtt = this.#currentRoundMinRtt;
  }
}
