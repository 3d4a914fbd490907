/** When a path loses too much for what is in flight on it: draft-ietf-ccwg-bbr 5.5.10.2. */
import { LOSS_THRESHOLD } from './parameters.js';

/** Standard deviations by which chance may exceed its mean. */
const CONFIDENCE = 2;

/**
 * Whether `lost` of `sent` bytes is more than LossThresh.
 *
 * The draft compares the share alone. But four of 180 segments are more than 2 %, and a path that
 * loses 1 % at random does that in one round of ten: each time, BBR would take the path for full
 * (at 100 Mbit/s and 20 ms, that costs up to a fifth of the rate). So the excess has to be more than
 * chance makes of LossThresh itself; of n losses, that is about the square root of n. A queue that
 * overflows while BBR probes loses ten times as much.
 */
export function isLossTooHigh(lost: number, sent: number, mss: number): boolean {
  const most = (sent / mss) * LOSS_THRESHOLD;
  return lost / mss > most + CONFIDENCE * Math.sqrt(most);
}
