/** Spreads what the window allows over time: a bucket that fills at the pacing rate. */

/** Milliseconds by which a timer may be late without a loss of rate. */
const LATENESS = 2;

/** Octets that count as none. */
const NOTHING = 1e-6;

export class Pacer {
  /** Octets that may leave; negative behind a segment that took more than there was. */
  #credit = 0;
  #filledAt = -Infinity;

  /**
   * When the next segment may leave; not later than `now` when it may leave at once.
   *
   * @param rate octets a ms; Infinity without pacing
   * @param quantum octets that may leave at once
   */
  departure(rate: number, quantum: number, now: number): number {
    if (rate === Infinity) return now;
    this.#fill(rate, quantum, now);
    if (this.#credit > -NOTHING) return now;
    // For a whole quantum's worth, so that not each segment costs a timer.
    const wanted = Math.min(quantum, rate) / 2 - this.#credit;
    return now + wanted / rate;
  }

  sent(length: number, rate: number, quantum: number, now: number): void {
    if (rate === Infinity) return;
    this.#fill(rate, quantum, now);
    this.#credit -= length;
  }

  #fill(rate: number, quantum: number, now: number): void {
    const most = Math.max(quantum, rate * LATENESS);
    const elapsed = now - this.#filledAt;
    // The first time, and after an idle time, a quantum is there.
    if (elapsed > 1000) this.#credit = quantum;
    else if (elapsed > 0) this.#credit = Math.min(most, this.#credit + elapsed * rate);
    this.#filledAt = now;
  }
}
