import { jest } from '@jest/globals';

import { Watchdog } from '../../src/proxy/watchdog.js';

let expired: number;
let watchdog: Watchdog;
beforeEach(() => {
  jest.useFakeTimers();
  expired = 0;
  watchdog = new Watchdog(() => expired++);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

it('expires once, after its limit', () => {
  watchdog.arm(100);
  jest.advanceTimersByTime(99);
  expect(expired).toBe(0);
  jest.advanceTimersByTime(1000);
  expect(expired).toBe(1);
});

it('is postponed by progress', () => {
  watchdog.arm(100);
  jest.advanceTimersByTime(99);
  watchdog.arm(100);
  jest.advanceTimersByTime(99);
  expect(expired).toBe(0);
  jest.advanceTimersByTime(1);
  expect(expired).toBe(1);
});

it('accepts a new limit', () => {
  watchdog.arm(100);
  watchdog.arm(50);
  jest.advanceTimersByTime(50);
  expect(expired).toBe(1);
  watchdog.arm(200);
  jest.advanceTimersByTime(199);
  expect(expired).toBe(1);
  jest.advanceTimersByTime(1000);
  expect(expired).toBe(2);
});

it('accepts a limit that is longer than a timer of Node', () => {
  const start = jest.spyOn(globalThis, 'setTimeout');
  watchdog.arm(2 ** 31);
  expect(start).toHaveBeenCalledWith(expect.any(Function), 2 ** 31 - 1);
  jest.advanceTimersByTime(2 ** 31 - 1);
  expect(expired).toBe(0);
  jest.advanceTimersByTime(1);
  expect(expired).toBe(1);
});

it('does not start a timer for progress', () => {
  watchdog.arm(100);
  const start = jest.spyOn(globalThis, 'setTimeout');
  for (let each = 0; each < 9; each++) {
    jest.advanceTimersByTime(10);
    watchdog.arm(100);
  }
  expect(start).not.toHaveBeenCalled();
  jest.advanceTimersByTime(100);
  expect(expired).toBe(1);
});

it('does not expire after it is stopped', () => {
  watchdog.arm(100);
  watchdog.stop();
  jest.advanceTimersByTime(1000);
  expect(expired).toBe(0);
});

describe('after a stop of the process', () => {
  let stopped: number;
  beforeEach(() => {
    stopped = 0;
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + stopped);
  });

  /** Stops the process for a minute before a timer fires, `left` ms later. */
  const stall = (left: number): void => {
    stopped += 60_000;
    jest.advanceTimersByTime(left);
  };

  it('leaves time to read the sockets', () => {
    watchdog.arm(100);
    stall(100);
    expect(expired).toBe(0);
    watchdog.arm(100);
    jest.advanceTimersByTime(99);
    expect(expired).toBe(0);
  });

  it('expires then, without progress', () => {
    watchdog.arm(100);
    stall(100);
    jest.advanceTimersByTime(49);
    expect(expired).toBe(0);
    jest.advanceTimersByTime(1);
    expect(expired).toBe(1);
  });

  it.each([
    [10, 1],
    [11, 0],
  ])('counts a timer that is %i ms late as a stop only above 10 ms', (late, count) => {
    watchdog.arm(100);
    stopped = late;
    jest.advanceTimersByTime(100);
    expect(expired).toBe(count);
  });

  it('leaves that time only once, even if the process stops again', () => {
    watchdog.arm(100);
    stall(100);
    stall(50);
    expect(expired).toBe(1);
  });

  it('leaves that time again after progress', () => {
    watchdog.arm(100);
    stall(100);
    watchdog.arm(100);
    stall(50);
    expect(expired).toBe(0);
    jest.advanceTimersByTime(49);
    expect(expired).toBe(0);
    jest.advanceTimersByTime(1);
    expect(expired).toBe(1);
  });
});
