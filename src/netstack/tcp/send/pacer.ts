/** Spreads what the window allows over time: a bucket that fills at the pacing rate. */

/**
 * Milliseconds by which a timer may be late without a loss of rate. A process that does other things
 * besides comes to its timers late, and a BBR that cannot send at its rate measures its own lateness
 * as the path's. What is made up for leaves at once, so that more would overflow short queues.
 */
const LONGEST_LATENESS = 10;

/** Milliseconds' worth that a sender may have saved which nothing kept from sending. */
const LONGEST_SAVING = 2;

/** Octets that count as none. */
const NOTHING = 1e-6;

export class Pacer {
  /** Octets that may leave; negative behind a segment that took more than there was. */
  #credit = 0;
  #filledAt = -Infinity;
  /** It was this that kept the next segment, and not the window, or the user. */
  #isKeeping = false;

  /**
   * When the next segment may leave; not later than `now` when it may leave at once.
   *
   * @param rate octets a ms; Infinity without pacing
   * @param quantum octets that may leave at once
   */
  departure(rate: number, quantum: number, now: number): number {
    if (rate === Infinity) return now;
    this.#fill(rate, quantum, now);
    this.#isKeeping = this.#credit <= -NOTHING;
    if (!this.#isKeeping) return now;
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
    const elapsed = now - this.#filledAt;
    // The first time, and after an idle time, a quantum is there.
    if (elapsed > 1000) this.#credit = quantum;
    else if (elapsed > 0) {
      const longest = this.#isKeeping ? LONGEST_LATENESS : LONGEST_SAVING;
      const most = Math.max(quantum, rate * longest);
      this.#credit = Math.min(most, this.#credit + elapsed * rate);
    }
    this.#filledAt = now;
  }
}
