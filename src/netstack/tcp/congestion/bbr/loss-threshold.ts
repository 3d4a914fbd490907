/** Decides whether a path loses too much of the data in flight (draft-ietf-ccwg-bbr 5.5.10.2). */
import { LOSS_THRESHOLD } from './parameters.js';

/** How many standard deviations losses may be above their mean before they count as excessive. */
const CONFIDENCE = 2;

/**
 * Whether losing `lost` of `sent` octets exceeds LossThresh.
 *
 * The draft compares only the ratio. But on a path with 1 % random loss, one in ten rounds of 180
 * segments loses at least four, which is more than 2 %. BBR would then consider the path full and
 * lose up to a fifth of its rate at 100 Mbit/s and 20 ms. Therefore the loss must also exceed the
 * random variation at LossThresh: for n losses, about the square root of n. When BBR's probing
 * overflows a queue, losses are ten times as high.
 */
export function isLossTooHigh(lost: number, sent: number, mss: number): boolean {
  const most = (sent / mss) * LOSS_THRESHOLD;
  return lost / mss > most + CONFIDENCE * Math.sqrt(most);
}
