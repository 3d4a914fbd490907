/**
 * Sizes the receive window: starts at 64 KiB and grows as the user reads (dynamic right-sizing,
 * Fisk and Feng 2001). The window never limits a fast reader, and little memory is used for a slow
 * reader.
 */
import type { MemoryBudget } from '../../../lib/memory-budget.js';

const INITIAL_LIMIT = 64 * 1024;

/**
 * The ratio of the window to the amount that the user reads per round trip. Without loss, 2 would
 * suffice. A lost segment delays all later data by a round trip, and a lost retransmission by
 * another round trip.
 */
const ROUND_TRIPS_AHEAD = 4;

export class ReceiveWindow {
  readonly #maximum: number;
  readonly #budget: MemoryBudget;
  #limit: number;
  #read = 0;
  #roundBeganAt = -1;

  /** @param maximum the upper bound of the window in octets */
  constructor(maximum: number, budget: MemoryBudget) {
    this.#maximum = maximum;
    this.#budget = budget;
    this.#limit = Math.min(maximum, INITIAL_LIMIT);
  }

  /** The number of octets that may be in flight or unread. */
  get limit(): number {
    return this.#limit;
  }

  get maximum(): number {
    return this.#maximum;
  }

  /**
   * Grows the window if needed after the user has read data.
   *
   * @param srtt smoothed RTT in ms; 0 if unknown
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
