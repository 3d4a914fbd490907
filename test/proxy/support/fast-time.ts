/** Virtual time that passes while real sockets work. */
import { jest } from '@jest/globals';

/** Waits for a result, while each turn of the event loop takes 10 ms. */
export async function inFastTime<T>(result: () => Promise<T>): Promise<T> {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  const state = { isOver: false };
  const waited = result().finally(() => (state.isOver = true));
  // Its rejection is thrown below.
  waited.catch(() => undefined);
  while (!state.isOver) {
    jest.advanceTimersByTime(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  jest.useRealTimers();
  return waited;
}
