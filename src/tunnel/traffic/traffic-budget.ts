/** Decides how much of a traffic budget is used. Takes all times as inputs. */
import { totalOf, type TrafficDays } from '../../lib/traffic-days.js';

/** The outer bytes that a SIM may carry, sent and received together; undefined for no limit. */
export interface TrafficBudget {
  readonly day?: number | undefined;
  readonly month?: number | undefined;
}

export type BudgetSpan = keyof TrafficBudget;

/** The use of a budget in the current day or month, in UTC. */
export interface BudgetUse {
  readonly per: BudgetSpan;
  /** `2026-11-29` for a day, `2026-11` for a month. */
  readonly period: string;
  /** The budget. */
  readonly bytes: number;
  readonly usedBytes: number;
  /** The time at which the next period begins, in milliseconds since 1970. */
  readonly endsUnix: number;
}

/** The part of a budget at whose use a warning is logged. */
const LOW = 0.8;

/** The part of a budget at whose use open connections are reset without a grace period. */
const EXCEEDED = 1.05;

/**
 * - `low`: 80 % of the budget is used
 * - `exhausted`: the budget is used up
 * - `exceeded`: 5 % more than the budget is used
 */
export type BudgetLevel = 'free' | 'low' | 'exhausted' | 'exceeded';

const LEVELS: readonly (readonly [level: BudgetLevel, part: number])[] = [
  ['exceeded', EXCEEDED],
  ['exhausted', 1],
  ['low', LOW],
];

export function levelOf({ bytes, usedBytes }: Pick<BudgetUse, 'bytes' | 'usedBytes'>): BudgetLevel {
  return LEVELS.find(([, part]) => usedBytes >= bytes * part)?.[0] ?? 'free';
}

/** Whether new work is refused. */
export function isUsedUp(use: Pick<BudgetUse, 'bytes' | 'usedBytes'>): boolean {
  return use.usedBytes >= use.bytes;
}

/**
 * Returns how many bytes are left until the level changes; after the last level, until the use has
 * grown by the same step again.
 */
export function bytesToNextLevel({ bytes, usedBytes }: BudgetUse): number {
  const next = LEVELS.map(([, part]) => bytes * part).filter((step) => step > usedBytes);
  return Math.max(1, Math.ceil(next.length > 0 ? Math.min(...next) - usedBytes : bytes * 0.05));
}

/** The part of a budget that a killed process may lose. */
const UNSAVED = 0.01;

/**
 * Returns how many bytes may be unsaved. A budget that is used up is ignored, because each write
 * wears out flash memory and would change nothing.
 */
export function bytesToStore(uses: readonly BudgetUse[]): number {
  const open = uses.filter((use) => !isUsedUp(use));
  return Math.max(1, Math.ceil(Math.min(...open.map(({ bytes }) => bytes)) * UNSAVED));
}

/**
 * Returns the use of each budget.
 *
 * @param day the current day, such as `2026-11-29`
 */
export function usesOf(budget: TrafficBudget, days: TrafficDays, day: string): BudgetUse[] {
  return (['day', 'month'] as const).flatMap((per) => {
    const bytes = budget[per];
    if (bytes === undefined) return [];
    const period = per === 'day' ? day : day.slice(0, MONTH_LENGTH);
    const { sentBytes, receivedBytes } = totalOf(days, period);
    return [{ per, period, bytes, usedBytes: sentBytes + receivedBytes, endsUnix: endOf(period) }];
  });
}

/** The length of `2026-11` in `2026-11-29`. */
export const MONTH_LENGTH = 7;

/** Returns the date in UTC. */
export function dayOf(unix: number): string {
  return new Date(unix).toISOString().slice(0, 10);
}

/** Returns when a day or a month in UTC ends, in milliseconds since 1970. */
export function endOf(period: string): number {
  const [year = 0, month = 1, day] = period.split('-').map(Number);
  return day === undefined ? Date.UTC(year, month) : Date.UTC(year, month - 1, day + 1);
}

/** Budgets did not exist before this time, so the clock of a machine that shows it is not set. */
const FIRST_BUDGET = Date.UTC(2026, 10, 1);

/** How far a stored day may be ahead of a clock that may not be set yet, in milliseconds. */
const MAX_AHEAD = 31 * 86_400_000;

/**
 * Returns the day whose traffic counts. On a machine whose clock is not set yet, such as one without
 * a battery, the clock shows a day before the last stored one, and a new day must not begin. A day
 * that is far ahead of a plausible clock was stored while the clock was wrong.
 *
 * @param isDoubtful whether the clock may not be set yet
 */
export function countedDay(days: TrafficDays, unix: number, isDoubtful: boolean): string {
  const today = dayOf(unix);
  if (!isDoubtful) return today;
  const isPlausible = (day: string) => unix < FIRST_BUDGET || Date.parse(day) <= unix + MAX_AHEAD;
  return Object.keys(days).reduce(
    (latest, day) => (day > latest && isPlausible(day) ? day : latest),
    today,
  );
}
