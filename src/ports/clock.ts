/**
 * The port for the wall clock, which only TAI64N timestamps need. All other code uses `now`, the
 * monotonic time in milliseconds since an arbitrary start.
 */
export interface WallClock {
  /** Returns milliseconds since 1970-01-01T00:00:00Z. The value may jump forward or back. */
  unixMilliseconds(): number;
}

/** Monotonic time and timers. */
export interface Clock {
  /** Returns monotonic milliseconds since an arbitrary start. */
  now(): number;
  /** Calls `handler` once, `delay` milliseconds from now or a little later. */
  startTimer(delay: number, handler: () => void): Timer;
  /** Calls `handler` once, after the current input has been handled. */
  defer(handler: () => void): void;
}

export interface Timer {
  cancel(): void;
}
