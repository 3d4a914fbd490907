/**
 * The port for the wall clock, needed by TAI64N stamps alone. Everything else takes `now`:
 * monotonic milliseconds from an arbitrary start, as a number.
 */
export interface WallClock {
  /** Milliseconds since 1970-01-01T00:00:00Z. May jump either way. */
  unixMilliseconds(): number;
}
