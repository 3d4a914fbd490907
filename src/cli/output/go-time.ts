import { isoMilliseconds } from '../../app/iso-time.js';

/** Go's zero time, which Go prints for an event that never happened. */
const NEVER = '0001-01-01 00:00:00 +0000 UTC';

/**
 * Formats a time like Go's `Time.String()`, which soratun uses, but always in UTC.
 *
 * @param unixTime milliseconds since 1970; undefined for an event that never happened
 */
export function goTime(unixTime: number | undefined): string {
  // Remove trailing zeros from the fraction, and the decimal point if no digits remain.
  const text = isoMilliseconds(unixTime)
    ?.replace('T', ' ')
    .replace(/\.?0*Z$/, '');
  return text === undefined ? NEVER : `${text} +0000 UTC`;
}
