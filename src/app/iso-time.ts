/** Formats UTC times as ISO 8601, without throwing for invalid times from the API. */

/** Formats a time with milliseconds; undefined if the time is invalid. */
export function isoMilliseconds(unixTime: number | undefined): string | undefined {
  const date = new Date(unixTime ?? NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** Formats a time with seconds; empty if the time is invalid. */
export function timeText(unixTime: number | undefined): string {
  return isoMilliseconds(unixTime)?.replace(/\.\d{3}/, '') ?? '';
}

/** Formats a time with seconds, for use in a sentence. */
export function isoTime(unixTime: number | undefined): string {
  return timeText(unixTime) || 'an unknown time';
}
