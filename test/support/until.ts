/** Waits that end: a test that fails must not leave a loop behind that keeps its process alive. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Far more than anything takes on a slow machine, and less than Jest's own limit, which names no condition. */
const PATIENCE = 25_000;

interface Patience {
  /** What is awaited, for the error. */
  readonly what?: string;
  /** Milliseconds of real time. */
  readonly limit?: number;
  /** Runs between two looks: a millisecond's sleep by default. */
  readonly turn?: () => unknown;
}

/** Resolves when the condition holds. Neither the clock nor the sleep is Jest's fake one. */
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

/** Takes turns until a promise settles, and settles as it does. */
export async function settled<T>(promise: Promise<T>, turn: () => unknown): Promise<T> {
  let isSettled = false;
  const settle = (): void => void (isSettled = true);
  promise.then(settle, settle);
  await until(() => isSettled, { what: 'the promise settles', turn });
  return promise;
}
