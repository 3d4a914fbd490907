/** The window curve of CUBIC (RFC 9438 4.2). Windows are in segments, times in ms. */

/** C of RFC 9438 4.1.1, in segments per cubed second. */
const SCALE = 0.4;

/** K: the time until the window returns to W_max (equation 2). */
export function timeToMaximum(maximum: number, epochWindow: number): number {
  return 1000 * Math.cbrt((maximum - epochWindow) / SCALE);
}

/** W_cubic(t): the window at `elapsed` ms (equation 1). */
export function cubicWindow(elapsed: number, maximum: number, timeToIt: number): number {
  return SCALE * ((elapsed - timeToIt) / 1000) ** 3 + maximum;
}
