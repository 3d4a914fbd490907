import type { WallClock, Clock } from '../ports/clock.js';

/**
 * Measures how long an environment was frozen. Uses the wall clock if, as is likely, the monotonic
 * clock stops during a freeze.
 */
export class SleepWatch {
  readonly #clock: Clock;
  readonly #wallClock: WallClock;
  #now: number;
  #unix: number;

  constructor(clock: Clock, wallClock: WallClock) {
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#now = clock.now();
    this.#unix = wallClock.unixMilliseconds();
  }

  /** Records the current time. Call this before an operation that a freeze may interrupt. */
  mark(): void {
    this.#now = this.#clock.now();
    this.#unix = this.#wallClock.unixMilliseconds();
  }

  /** Returns the milliseconds since mark(), according to the clock that advanced further. */
  elapsed(): number {
    const byClock = this.#clock.now() - this.#now;
    return Math.max(byClock, this.#wallClock.unixMilliseconds() - this.#unix);
  }
}
