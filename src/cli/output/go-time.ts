import { isoMilliseconds } from '../../app/iso-time.js';

/** Go's zero time, which Go prints for an event that never happened. */
const NEVER = '0001-01-01 00:00:00 +0000 UTC';

/**
 * Formats a time like Go's `Time.String()`, which soratun prints; here always in UTC.
 *
 * @param unixTime in ms since 1970; undefined for never
 */
export function goTime(unixTime: number | undefined): string {
  // Remove trailing zeros of the fraction, and an empty fraction.
  const text = isoMilliseconds(unixTime)
    ?.replace('T', ' ')
    .replace(/\.?0*Z$/, '');
  return text === undefined ? NEVER : `${text} +0000 UTC`;
}
