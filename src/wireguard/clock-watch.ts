import type { WallClock } from '../ports/clock.js';
import { CLOCK_DRIFT, CLOCK_JUMP } from './constants.js';

/**
 * Detects when the wall clock and the monotonic clock diverge, because the wall clock was set, the
 * machine slept, or the machine was restored from a snapshot. After that, session ages may be
 * wrong, and another copy of this memory may have used the same counters.
 *
 * If two copies resume within CLOCK_JUMP of each other by both clocks, no jump is detected.
 */
export class ClockWatch {
  readonly #wallClock: WallClock;
  /** The expected wall clock minus monotonic clock, in ms; undefined before the first call. */
  #offset: number | undefined;
  #lookedAt = 0;

  constructor(wallClock: WallClock) {
    this.#wallClock = wallClock;
  }

  /**
   * Returns the clock jump. Call it with each input before processing the input.
   *
   * @returns how many ms the wall clock moved against `now` since the last jump or the first call;
   * negative if it moved back; 0 if it moved by less than CLOCK_JUMP
   */
  jump(now: number): number {
    const offset = this.#wallClock.unixMilliseconds() - now;
    const known = (this.#offset ??= offset);
    const moved = offset - known;
    const passed = Math.max(0, now - this.#lookedAt);
    this.#lookedAt = now;
    if (Math.abs(moved) >= CLOCK_JUMP) {
      this.#offset = offset;
      return moved;
    }
    // Two oscillators always drift. This tolerates about 0.1 s over a session's lifetime.
    const forgiven = passed * CLOCK_DRIFT;
    this.#offset = known + Math.max(-forgiven, Math.min(moved, forgiven));
    return 0;
  }
}
