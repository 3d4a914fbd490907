/**
 * Traffic by day in UTC, because SORACOM's billing month runs from the first to the last day of a
 * month in UTC.
 */

/** Bytes in each direction. */
export interface TrafficBytes {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The traffic of each day, by the date in UTC such as `2026-11-29`. */
export type TrafficDays = Readonly<Record<string, TrafficBytes>>;

/** The traffic of one day or one month. */
export interface TrafficPeriod extends TrafficBytes {
  /** `2026-11-29` for a day, `2026-11` for a month. */
  readonly period: string;
}

/** The number of days that are kept: this month and the month before, whatever their lengths. */
export const MAX_DAYS = 62;

export const NO_TRAFFIC: TrafficBytes = { sentBytes: 0, receivedBytes: 0 };

/** Adds traffic; `other` may be negative, for datagrams that were not sent after all. */
export function addTraffic(one: TrafficBytes, other: TrafficBytes): TrafficBytes {
  return {
    sentBytes: Math.max(0, one.sentBytes + other.sentBytes),
    receivedBytes: Math.max(0, one.receivedBytes + other.receivedBytes),
  };
}

/**
 * Adds the days of both, and keeps the latest MAX_DAYS days. If the clock was set back, the traffic
 * of the later days remains, and so do the days of `other`, whose budget would never be used up.
 */
export function addDays(one: TrafficDays, other: TrafficDays): TrafficDays {
  const sums = new Map(Object.entries(one));
  for (const [day, bytes] of Object.entries(other)) {
    sums.set(day, addTraffic(sums.get(day) ?? NO_TRAFFIC, bytes));
  }
  const sorted = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  const first = sorted.length - MAX_DAYS;
  return Object.fromEntries(
    sorted.filter(([day], index) => index >= first || Object.hasOwn(other, day)),
  );
}

/** Sums up the days whose date begins with `period`. */
export function totalOf(days: TrafficDays, period: string): TrafficPeriod {
  const total = Object.entries(days)
    .filter(([day]) => day.startsWith(period))
    .reduce<TrafficBytes>((sum, [, bytes]) => addTraffic(sum, bytes), NO_TRAFFIC);
  return { period, ...total };
}

/** Returns the days in a file's text; undefined if the text is not valid. */
export function parseDays(text: string): TrafficDays | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const days = (value as { readonly days?: unknown } | null)?.days;
  if (typeof days !== 'object' || days === null || Array.isArray(days)) return undefined;
  const entries = Object.entries(days as Readonly<Record<string, unknown>>);
  if (!entries.every((entry) => isDay(entry))) return undefined;
  return addDays({}, Object.fromEntries(entries) as TrafficDays);
}

/** The text of a file that contains the days, such as `{"days":{"2026-11-29":{…}}}`. */
export function formatDays(days: TrafficDays): string {
  return `${JSON.stringify({ days }, undefined, 2)}\n`;
}

function isDay([day, bytes]: readonly [string, unknown]): boolean {
  const { sentBytes, receivedBytes } = (bytes ?? {}) as Partial<Record<string, unknown>>;
  return /^\d{4}-\d\d-\d\d$/.test(day) && isCount(sentBytes) && isCount(receivedBytes);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
