/**
 * How much may leave at once under pacing: draft-ietf-ccwg-bbr 5.6.3. What is a millisecond's
 * worth costs one timer a millisecond, and adds no more than that to the queue of the bottleneck.
 */
const LARGEST_QUANTUM = 65_536;

/**
 * Below 1.2 Mbit/s one segment leaves at a time, not two as in the draft, which lets us choose: on
 * a narrow link the second one is 10 ms and more of queue, and BBR keeps three quanta in flight.
 */
const NARROW_RATE = 150;

/** @param rate bytes a ms; Infinity without pacing */
export function sendQuantum(rate: number, mss: number): number {
  const least = rate < NARROW_RATE ? mss : 2 * mss;
  return Math.max(Math.min(rate, LARGEST_QUANTUM), least);
}
