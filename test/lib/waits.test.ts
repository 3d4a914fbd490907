import { getEventListeners } from 'node:events';
import { jest } from '@jest/globals';

import {
  abortable,
  inTime,
  pause,
  untilAborted,
  whenAborted,
  whileWaiting,
} from '../../src/lib/waits.js';
import { systemClock } from '../../src/system/clock.js';

const REASON = new Error('stopped');
const NEVER = new Promise<never>(() => undefined);

let controller: AbortController;
beforeEach(() => (controller = new AbortController()));
afterEach(() => expect(getEventListeners(controller.signal, 'abort')).toEqual([]));

/** Counts how often a wait was cleaned up, and how often before it settled. */
function begun(start: (resolve: (value: string) => void, reject: (error: Error) => void) => void) {
  const undone: string[] = [];
  const wait = abortable<string>(controller.signal, (resolve, reject) => {
    start(resolve, reject);
    return () => undone.push('undone');
  });
  return { wait, undone };
}

describe('an abortable wait', () => {
  it('settles once, and is cleaned up at the same time', async () => {
    let settle: ((value: string) => void) | undefined;
    const { wait, undone } = begun((resolve) => (settle = resolve));
    expect(undone).toEqual([]);
    settle?.('first');
    expect(undone).toEqual(['undone']);
    settle?.('second');
    controller.abort(REASON);
    await expect(wait).resolves.toBe('first');
    expect(undone).toEqual(['undone']);
  });

  it('is cleaned up if it settles while it starts', async () => {
    const { wait, undone } = begun((_resolve, reject) => reject(new Error('at once')));
    await expect(wait).rejects.toThrow('at once');
    expect(undone).toEqual(['undone']);
  });

  it('rejects with the error of its start, and removes its listener', async () => {
    const fault = new TypeError('a bug');
    const wait = abortable(controller.signal, () => {
      throw fault;
    });
    await expect(wait).rejects.toBe(fault);
  });

  it("rejects with the signal's reason", async () => {
    const { wait, undone } = begun(() => undefined);
    controller.abort(REASON);
    expect(undone).toEqual(['undone']);
    await expect(wait).rejects.toBe(REASON);
  });

  it('does not start after an abort', async () => {
    controller.abort(REASON);
    const start = jest.fn();
    await expect(begun(start).wait).rejects.toBe(REASON);
    expect(start).not.toHaveBeenCalled();
  });
});

it('returns the value of a promise unless the signal fires first', async () => {
  await expect(untilAborted(Promise.resolve(1), controller.signal)).resolves.toBe(1);
  await expect(untilAborted(Promise.reject(REASON), controller.signal)).rejects.toBe(REASON);
  const wait = untilAborted(NEVER, controller.signal);
  controller.abort(REASON);
  await expect(wait).rejects.toBe(REASON);
  // The rejection of the abandoned promise is handled.
  await expect(untilAborted(Promise.reject(new Error()), controller.signal)).rejects.toBe(REASON);
});

it('returns undefined for a promise that takes too long', async () => {
  await expect(inTime(NEVER, 1, systemClock, controller.signal)).resolves.toBeUndefined();
  await expect(inTime(Promise.resolve(1), 60_000, systemClock)).resolves.toBe(1);
});

it('leaves no unhandled rejection for a promise that fails after an earlier abort', async () => {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', listener);
  controller.abort(REASON);
  const failed = (message: string) => Promise.reject(new Error(message));
  await expect(inTime(failed('in time'), 60_000, systemClock, controller.signal)).rejects.toBe(
    REASON,
  );
  await expect(untilAborted(failed('aborted'), controller.signal)).rejects.toBe(REASON);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listener);
  expect(unhandled).toEqual([]);
});

it('ends a pause on abort', async () => {
  await pause(1, systemClock, controller.signal);
  const wait = pause(60_000, systemClock, controller.signal);
  controller.abort(REASON);
  await wait;
  await pause(60_000, systemClock, controller.signal);
  await whenAborted(controller.signal);
});

it('calls a handler if the signal fires before the promise settles', async () => {
  const handler = jest.fn();
  await whileWaiting(Promise.resolve(), controller.signal, handler);
  let settle: (() => void) | undefined;
  const promise = new Promise<void>((resolve) => (settle = resolve));
  const wait = whileWaiting(promise, controller.signal, handler);
  expect(handler).not.toHaveBeenCalled();
  controller.abort(REASON);
  expect(handler).toHaveBeenCalledTimes(1);
  settle?.();
  await wait;
  await whileWaiting(promise, controller.signal, handler);
  expect(handler).toHaveBeenCalledTimes(2);
});
