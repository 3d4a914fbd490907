/** Times in UTC, as ISO 8601 writes them. Whatever the API has told, nothing here throws. */

/** To the millisecond; undefined for what is no time. */
export function isoMilliseconds(unixTime: number | undefined): string | undefined {
  const date = new Date(unixTime ?? NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** To the second; empty for what is no time. */
export function timeText(unixTime: number | undefined): string {
  return isoMilliseconds(unixTime)?.replace(/\.\d{3}/, '') ?? '';
}

/** To the second, in a sentence. */
export function isoTime(unixTime: number | undefined): string {
  return timeText(unixTime) || 'an unknown time';
}
