/**
 * Limits bursts under pacing (draft-ietf-ccwg-bbr 5.6.3). Sending a millisecond's data in one burst
 * requires only one timer per millisecond and adds at most a millisecond to the bottleneck's queue.
 */
const LARGEST_QUANTUM = 65_536;

/**
 * Below this rate in octets per ms (1.2 Mbit/s), bursts are one segment instead of two, as the
 * draft permits. On a slow link, a second segment adds 10 ms or more of queueing delay, and BBR
 * keeps three quanta in flight.
 */
const NARROW_RATE = 150;

/** @param rate octets per ms; Infinity without pacing */
export function sendQuantum(rate: number, mss: number): number {
  const least = rate < NARROW_RATE ? mss : 2 * mss;
  return Math.max(Math.min(rate, LARGEST_QUANTUM), least);
}
