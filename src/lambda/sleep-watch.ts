import type { WallClock, Clock } from '../ports/clock.js';

/**
 * Tells how long an environment was frozen. Its monotonic clock stands still then, as far as is known;
 * where it does not, it tells the same as the wall clock does.
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

  /** To be called before what a freeze may interrupt. */
  mark(): void {
    this.#now = this.#clock.now();
    this.#unix = this.#wallClock.unixMilliseconds();
  }

  /** Milliseconds since mark(), by whichever clock has seen more of them. */
  elapsed(): number {
    const byClock = this.#clock.now() - this.#now;
    return Math.max(byClock, this.#wallClock.unixMilliseconds() - this.#unix);
  }
}
