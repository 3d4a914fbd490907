/** Paces transmissions: a token bucket that fills at the pacing rate. */

/**
 * How late a timer may fire or the next turn may start, in ms, before the rate is reduced. In a
 * busy process, timers fire late, and BBR would mistake that delay for a slower path. A higher
 * limit would cause bursts that overflow short queues.
 */
const LONGEST_LATENESS = 10;

/**
 * The maximum credit of a sender that pacing does not delay, in ms of sending at the pacing rate.
 */
const LONGEST_SAVING = 2;

/** A debt below this many octets counts as zero. */
const NOTHING = 1e-6;

export class Pacer {
  /**
   * The number of octets that may be sent now; negative after a segment that was larger than the
   * credit.
   */
  #credit = 0;
  #filledAt = -Infinity;
  /**
   * Whether pacing or the end of a turn, rather than the window or a lack of data, delays the next
   * segment.
   */
  #isKeeping = false;

  /**
   * Returns when the next segment may be sent; `now` if immediately.
   *
   * @param rate pacing rate in octets per ms; Infinity without pacing
   * @param quantum octets that may be sent in one burst
   */
  departure(rate: number, quantum: number, now: number): number {
    if (rate === Infinity) return now;
    this.#fill(rate, quantum, now);
    this.#isKeeping = this.#credit <= -NOTHING;
    if (!this.#isKeeping) return now;
    // Wait to accumulate up to half a quantum of credit, so that not every segment needs a timer.
    const wanted = Math.min(quantum, rate) / 2 - this.#credit;
    return now + wanted / rate;
  }

  sent(length: number, rate: number, quantum: number, now: number): void {
    if (rate === Infinity) return;
    this.#fill(rate, quantum, now);
    this.#credit -= length;
  }

  /** Records that a segment may be sent, but waits for the next turn of its connection. */
  interrupted(): void {
    this.#isKeeping = true;
  }

  #fill(rate: number, quantum: number, now: number): void {
    const elapsed = now - this.#filledAt;
    // A full quantum is available at first and after an idle period.
    if (elapsed > 1000) this.#credit = quantum;
    else if (elapsed > 0) {
      const longest = this.#isKeeping ? LONGEST_LATENESS : LONGEST_SAVING;
      const most = Math.max(quantum, rate * longest);
      this.#credit = Math.min(most, this.#credit + elapsed * rate);
    }
    this.#filledAt = now;
  }
}
