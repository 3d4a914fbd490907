/**
 * The port for the wall clock, needed by TAI64N stamps alone. Everything else takes `now`:
 * monotonic milliseconds from an arbitrary start, as a number.
 */
export interface WallClock {
  /** Milliseconds since 1970-01-01T00:00:00Z. May jump either way. */
  unixMilliseconds(): number;
}

/** Monotonic time and the one timer that a driver needs. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start. */
  now(): number;
  /** Calls `handler` once, `delay` ms from now or a little later. */
  startTimer(delay: number, handler: () => void): Timer;
  /** Calls `handler` once, as soon as the current input has been handled. */
  defer(handler: () => void): void;
}

export interface Timer {
  cancel(): void;
}
