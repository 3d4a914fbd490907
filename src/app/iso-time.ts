/** Formats UTC times as ISO 8601, without throwing for invalid times from the API. */

/** Formats with milliseconds; undefined for an invalid time. */
export function isoMilliseconds(unixTime: number | undefined): string | undefined {
  const date = new Date(unixTime ?? NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** Formats with seconds; empty for an invalid time. */
export function timeText(unixTime: number | undefined): string {
  return isoMilliseconds(unixTime)?.replace(/\.\d{3}/, '') ?? '';
}

/** Formats with seconds, for use in a sentence. */
export function isoTime(unixTime: number | undefined): string {
  return timeText(unixTime) || 'an unknown time';
}
