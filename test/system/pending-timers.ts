import { jest } from '@jest/globals';

/** The number of timers with this delay, set while `body` ran, that are still pending after it. */
export async function pendingTimers(delay: number, body: () => Promise<unknown>): Promise<number> {
  const set = jest.spyOn(globalThis, 'setTimeout');
  const cleared = jest.spyOn(globalThis, 'clearTimeout');
  try {
    await body();
    const mine = set.mock.results.filter((_, index) => set.mock.calls[index]?.[1] === delay);
    if (mine.length === 0) throw new Error(`no timer of ${delay} ms was set`);
    const gone = new Set<unknown>(cleared.mock.calls.map(([timer]) => timer));
    return mine.filter(({ value }) => !gone.has(value)).length;
  } finally {
    set.mockRestore();
    cleared.mockRestore();
  }
}
