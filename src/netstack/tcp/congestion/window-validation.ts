/**
 * Whether cwnd is what holds the sender back. A window that is not used proves nothing about the
 * path, so that it must not grow (RFC 9438 5.8, RFC 7661 4.3).
 */
export class WindowValidation {
  #isLimited = false;
  #wasLimited = false;
  #used = 0;
  #usedBefore = 0;

  /** cwnd was full at some time of this round trip or the last one: C.is_cwnd_limited. */
  get isCwndLimited(): boolean {
    return this.#isLimited || this.#wasLimited;
  }

  /** The most that was in flight in this round trip and the last one: pipeACK of RFC 7661 4.2. */
  get used(): number {
    return Math.max(this.#used, this.#usedBefore);
  }

  /**
   * An ACK came.
   *
   * @param inflight what was in flight before it
   * @param cwnd what was allowed then
   */
  sample(inflight: number, cwnd: number, mss: number, isRoundStart: boolean): void {
    if (isRoundStart) {
      this.#wasLimited = this.#isLimited;
      this.#usedBefore = this.#used;
      this.#isLimited = false;
      this.#used = 0;
    }
    if (inflight > this.#used) this.#used = inflight;
    // What is left is less than one full segment.
    if (inflight + mss > cwnd) this.#isLimited = true;
  }

  /** Nothing was sent for a while. */
  reset(): void {
    this.#isLimited = false;
    this.#wasLimited = false;
    this.#used = 0;
    this.#usedBefore = 0;
  }
}
