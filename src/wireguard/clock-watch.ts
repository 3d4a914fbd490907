import type { WallClock } from '../ports/clock.js';
import { CLOCK_DRIFT, CLOCK_JUMP } from './constants.js';

/**
 * Compares the wall clock with the monotonic one. They go at one pace, unless the wall clock was
 * set, or the machine slept or was restored from a snapshot, where the monotonic clock stands still
 * or goes on from an old moment: then the ages of sessions are not what they seem, and a counter
 * may have been used by another copy of this memory.
 *
 * Two copies that go on within CLOCK_JUMP of each other by both clocks cannot be told apart.
 */
export class ClockWatch {
  readonly #wallClock: WallClock;
  /** Wall clock less monotonic clock, as it should be; undefined before the first look. */
  #offset: number | undefined;
  #lookedAt = 0;

  constructor(wallClock: WallClock) {
    this.#wallClock = wallClock;
  }

  /**
   * To be called with each input, before anything is made of it.
   *
   * @returns by how many ms the wall clock has moved on against `now` since the last jump, or since
   *   the first call; negative for back; 0 for less than CLOCK_JUMP
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
    // Two crystals never agree: in the life of a session this forgives a tenth of a second.
    const forgiven = passed * CLOCK_DRIFT;
    this.#offset = known + Math.max(-forgiven, Math.min(moved, forgiven));
    return 0;
  }
}
