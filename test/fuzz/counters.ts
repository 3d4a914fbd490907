import type { Random } from '../sim/random.js';

/** Counters further below the highest one are refused (RFC 6479, with the kernel's sizes). */
export const WINDOW = 8_128;

/** The counters of one direction of a session, as the sender knows them. */
export class Counters {
  #highest = -1;
  /** Some used counters, and some skipped ones; the oldest are dropped. */
  #used: number[] = [];
  #skipped: number[] = [];

  reset(): void {
    this.#highest = -1;
    this.#used = [];
    this.#skipped = [];
  }

  get highest(): number {
    return this.#highest;
  }

  /** A counter that advances the window by `step`. */
  next(step = 1): number {
    for (let counter = this.#highest + 1; counter < this.#highest + Math.min(step, 50); counter++) {
      remember(this.#skipped, counter);
    }
    this.#highest += step;
    remember(this.#used, this.#highest);
    return this.#highest;
  }

  /** A used counter; undefined if none is known in the window. */
  used(random: Random): number | undefined {
    return this.#used.length === 0 ? undefined : random.pick(this.#used);
  }

  /** A skipped counter in the window, which is then marked as used. */
  late(random: Random): number | undefined {
    if (this.#skipped.length === 0) return undefined;
    const [counter] = this.#skipped.splice(random.below(this.#skipped.length), 1);
    if (counter === undefined || counter < this.#highest - WINDOW) return undefined;
    remember(this.#used, counter);
    return counter;
  }

  /** A counter below the window. */
  old(random: Random): number | undefined {
    const newest = this.#highest - WINDOW - 1;
    if (newest < 0) return undefined;
    return random.chance(0.2) ? newest : random.below(Math.min(newest, 1e9) + 1);
  }
}

function remember(counters: number[], counter: number): void {
  counters.push(counter);
  if (counters.length > 500) counters.shift();
}
