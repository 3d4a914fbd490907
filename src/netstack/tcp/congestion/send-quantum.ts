/**
 * How much may leave at once under pacing: draft-ietf-ccwg-bbr 5.6.3. What is a millisecond's
 * worth costs one timer a millisecond, and adds no more than that to the queue of the bottleneck.
 */
const LARGEST_QUANTUM = 65_536;

/** @param rate bytes a ms; Infinity without pacing */
export function sendQuantum(rate: number, mss: number): number {
  return Math.max(Math.min(rate, LARGEST_QUANTUM), 2 * mss);
}
