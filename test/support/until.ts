/** Waits with a time limit, so that a failed test leaves no loop that keeps its process alive. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Ample for a slow machine, but below Jest's own limit, whose error does not name the condition.
 */
const PATIENCE = 100_000;

interface Patience {
  /** The awaited condition, for the error message. */
  readonly what?: string;
  /** Milliseconds of real time. */
  readonly limit?: number;
  /** Runs between two checks; by default it sleeps for one millisecond. */
  readonly turn?: () => unknown;
}

/**
 * Resolves when the condition holds. It uses the real clock and timers, even under Jest's fake
 * ones.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { what = condition.toString(), limit = PATIENCE, turn = () => sleep(1) }: Patience = {},
): Promise<void> {
  const end = performance.now() + limit;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`did not happen in ${limit / 1000} s: ${what}`);
    await turn();
  }
}

/** Calls `turn` until a promise settles, and settles with it. */
export async function settled<T>(promise: Promise<T>, turn: () => unknown): Promise<T> {
  let isSettled = false;
  const settle = (): void => void (isSettled = true);
  promise.then(settle, settle);
  await until(() => isSettled, { what: 'the promise settles', turn });
  return promise;
}
