/**
 * Detects whether cwnd limits the sender. An unused window provides no information about the path
 * and therefore must not grow (RFC 9438 5.8, RFC 7661 4.3).
 */
export class WindowValidation {
  #isLimited = false;
  #wasLimited = false;
  #used = 0;
  #usedBefore = 0;

  /** Whether cwnd was full at any time in this or the last round trip: C.is_cwnd_limited. */
  get isCwndLimited(): boolean {
    return this.#isLimited || this.#wasLimited;
  }

  /** The maximum octets in flight in this and the last round trip: pipeACK of RFC 7661 4.2. */
  get used(): number {
    return Math.max(this.#used, this.#usedBefore);
  }

  /**
   * Records the window usage at an ACK.
   *
   * @param inflight the octets in flight before the ACK
   * @param cwnd the congestion window before the ACK
   */
  sample(inflight: number, cwnd: number, mss: number, isRoundStart: boolean): void {
    if (isRoundStart) {
      this.#wasLimited = this.#isLimited;
      this.#usedBefore = this.#used;
      this.#isLimited = false;
      this.#used = 0;
    }
    if (inflight > this.#used) this.#used = inflight;
    // The remaining window is less than one full segment.
    if (inflight + mss > cwnd) this.#isLimited = true;
  }

  /** Discards the measurements after an idle period. */
  reset(): void {
    this.#isLimited = false;
    this.#wasLimited = false;
    this.#used = 0;
    this.#usedBefore = 0;
  }
}
