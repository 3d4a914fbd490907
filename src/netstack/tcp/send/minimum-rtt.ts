/** The shortest round trip of the last while: RFC 8985 6.2 step 1, and what BBR and people want. */
const WINDOW = 300_000;

/** A windowed minimum in constant space: the best of this half of the window, and of the last one. */
export class MinimumRtt {
  #current = Infinity;
  #previous = Infinity;
  #halfEndsAt = -Infinity;

  /** Infinity before the first sample. */
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
