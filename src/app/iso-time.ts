/** A time of the platform in UTC, to the second; whatever the API has told, it throws nothing. */
export function isoTime(unixMilliseconds: number | undefined): string {
  const date = new Date(unixMilliseconds ?? NaN);
  if (Number.isNaN(date.getTime())) return 'an unknown time';
  return date.toISOString().replace(/\.\d{3}/, '');
}
