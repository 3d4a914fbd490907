/**
 * How much the peer may send ahead of the user: from 64 KiB up, as the user reads (dynamic
 * right-sizing: Fisk and Feng, 2001), so that a fast reader is never the limit and a slow one
 * holds little.
 */
import type { MemoryBudget } from '../../../lib/memory-budget.js';

const INITIAL_LIMIT = 64 * 1024;

/**
 * Times of what is read in a round trip. Twice would do without loss; a repair of a lost segment
 * holds back all behind it for a round trip, and a lost repair for one more.
 */
const ROUND_TRIPS_AHEAD = 4;

export class ReceiveWindow {
  readonly #maximum: number;
  readonly #budget: MemoryBudget;
  #limit: number;
  #read = 0;
  #roundBeganAt = -1;

  /** @param maximum octets that the window never exceeds */
  constructor(maximum: number, budget: MemoryBudget) {
    this.#maximum = maximum;
    this.#budget = budget;
    this.#limit = Math.min(maximum, INITIAL_LIMIT);
  }

  /** Octets that may be on the way or unread. */
  get limit(): number {
    return this.#limit;
  }

  get maximum(): number {
    return this.#maximum;
  }

  /**
   * The user has read.
   *
   * @param srtt a round trip in ms; 0 where none is known
   */
  read(octets: number, srtt: number, now: number): void {
    if (this.#roundBeganAt < 0) this.#roundBeganAt = now;
    this.#read += octets;
    if (srtt === 0 || now - this.#roundBeganAt < srtt) return;
    const wanted = this.#read * ROUND_TRIPS_AHEAD;
    if (wanted > this.#limit && !this.#budget.isTight) {
      this.#limit = Math.min(this.#maximum, wanted);
    }
    this.#read = 0;
    this.#roundBeganAt = now;
  }
}
