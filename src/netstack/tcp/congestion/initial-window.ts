/** What a connection may send before it knows anything of the path. */

/** RFC 6928 2: ten segments, and no more than 14,600 bytes unless two segments are more. */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600));
}

/** A larger cwnd is of no use: no window of TCP is (RFC 7323 2.3). */
export const MAXIMUM_WINDOW = 2 ** 30;
