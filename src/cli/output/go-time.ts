import { isoMilliseconds } from '../../app/iso-time.js';

/** Go's zero time, which it writes for what has not happened. */
const NEVER = '0001-01-01 00:00:00 +0000 UTC';

/**
 * A time as Go's `Time.String()` writes it, which is what soratun shows, here always in UTC.
 *
 * @param unixTime in ms since 1970; undefined for never
 */
export function goTime(unixTime: number | undefined): string {
  // Zeros at the end of the fraction are left out, and so is a fraction of none.
  const text = isoMilliseconds(unixTime)
    ?.replace('T', ' ')
    .replace(/\.?0*Z$/, '');
  return text === undefined ? NEVER : `${text} +0000 UTC`;
}
