/**
 * The window of the minimum RTT filter, in ms: RFC 8985 6.2, step 1. BBR and the statistics also
 * use this minimum.
 */
const WINDOW = 300_000;

/**
 * A windowed minimum in constant space: the minimum of the current and of the previous half window.
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
      const isRecent = now < this.#halfEndsAt + WINDOW / 2;
      this.#previous = isRecent ? this.#current : Infinity;
      this.#current = Infinity;
      this.#halfEndsAt = now + WINDOW / 2;
    }
    if (rtt < this.#current) this.#current = rtt;
  }
}
