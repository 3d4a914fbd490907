/** The initial and the maximum value of the congestion window. */

/** RFC 6928 2: ten segments, limited to 14,600 octets or two segments, whichever is larger. */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600));
}

/** The maximum cwnd: no TCP window is larger (RFC 7323 2.3). */
export const MAXIMUM_WINDOW = 2 ** 30;
