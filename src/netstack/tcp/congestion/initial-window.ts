/** The limits of the congestion window: its initial and its maximum value. */

/** RFC 6928 2: ten segments, but at most 14,600 octets unless two segments exceed that. */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600));
}

/** The maximum cwnd: no TCP window is larger (RFC 7323 2.3). */
export const MAXIMUM_WINDOW = 2 ** 30;
