/**
 * HyStart++ (RFC 9406): the first slow start ends when round trips lengthen, before the queue of
 * the bottleneck is full. Names are those of section 4.2.
 */

// Section 4.3; all are RECOMMENDED values. Times are ms.
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
  /** Infinity outside of Conservative Slow Start. */
  #cssBaselineMinRtt = Infinity;
  #cssRounds = 0;

  /** What the growth of slow start is divided by. */
  get growthDivisor(): number {
    return this.#isConservative ? CSS_GROWTH_DIVISOR : 1;
  }

  get #isConservative(): boolean {
    return this.#cssBaselineMinRtt !== Infinity;
  }

  /**
   * An ACK of slow start came.
   *
   * @param rtt -1 where it shows none
   * @returns whether slow start is over
   */
  acknowledged(rtt: number, isRoundStart: boolean): boolean {
    if (isRoundStart && this.#endRound()) return true;
    if (rtt < 0) return false;
    this.#currentRoundMinRtt = Math.min(this.#currentRoundMinRtt, rtt);
    this.#rttSampleCount++;
    if (this.#rttSampleCount >= N_RTT_SAMPLE) this.#compare();
    return false;
  }

  /** Nothing was in flight for a while: the rounds before say nothing about those to come. */
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
    // The round in which it began counts as well.
    if (this.#isConservative) this.#cssRounds++;
    return this.#cssRounds >= CSS_ROUNDS;
  }

  #compare(): void {
    if (this.#isConservative) {
      // It was jitter: slow start goes on.
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
