/** Parses times and durations on the command line. */
import type { Since } from '../../app/sim/list-sims.js';
import { cannotUse } from '../../lib/errors/user-error.js';

/** The length of each unit in milliseconds. */
const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** RFC 3339, with optional seconds and time zone. */
const ISO_TIME = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/** The maximum interval in seconds, one day. */
export const DAY = 86_400;

/**
 * Parses a number of seconds, which may have a fraction.
 *
 * @returns milliseconds
 * @throws UserError of kind `usage`
 */
export function parseSeconds(flag: string, text: string, lowest: number): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (seconds >= lowest && seconds <= DAY) return seconds * 1000;
  throw cannotUse(
    `--${flag}=${text}`,
    `the value must be a number of seconds from ${lowest} to ${DAY}`,
    `Use the form --${flag}=1.5.`,
  );
}

/**
 * Parses the `[SECONDS]` argument of `status`. An invalid value must not cause exit code 1, which
 * means that no tunnel is running.
 *
 * @throws UserError of kind `usage`
 */
export function watchSeconds(text: string): number {
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= DAY) return seconds;
  throw cannotUse(
    `${JSON.stringify(text)} as SECONDS`,
    `expected a whole number from 1 to ${DAY}`,
    'Use the form status --watch 5.',
  );
}

/**
 * Parses a value of `--since`: an ISO 8601 time, or an age such as `10m`. A date without a time
 * means midnight UTC; a time without a zone is local time.
 * @throws UserError of kind `usage`
 */
export function parseSince(text: string): Since {
  const age = parseAge(text);
  if (age !== undefined) return { age };
  const [, date] = ISO_TIME.exec(text) ?? [];
  const unixTime = Date.parse(text);
  if (date !== undefined && isInCalendar(date) && !Number.isNaN(unixTime)) return { unixTime };
  throw cannotUse(
    `--since ${text}`,
    'the value must be a time or a duration',
    'Use a time such as 2026-11-25T14:00:00Z, or a duration such as 10m, 2h or 3d.',
  );
}

/**
 * Parses a value of `--older-than`, a duration such as `2h`.
 *
 * @returns milliseconds
 * @throws UserError of kind `usage`
 */
export function parseOlderThan(text: string): number {
  const age = parseAge(text);
  if (age !== undefined) return age;
  throw cannotUse(
    `--older-than ${text}`,
    'the value must be a duration',
    'Use a whole number and a unit (s, m, h, d or w), such as 90m, 2h or 3d.',
  );
}

/** Returns a duration in milliseconds; undefined if the text is not a duration. */
function parseAge(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const length = UNITS[unit];
  return count === undefined || length === undefined ? undefined : Number(count) * length;
}

/** Whether a calendar date exists. Date.parse would interpret February 31 as a day in March. */
function isInCalendar(date: string): boolean {
  const start = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(start.getTime()) && start.toISOString().startsWith(date);
}
