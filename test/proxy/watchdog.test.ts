import { jest } from '@jest/globals';

import { Watchdog } from '../../src/proxy/watchdog.js';

let expired: number;
let watchdog: Watchdog;
beforeEach(() => {
  jest.useFakeTimers();
  expired = 0;
  watchdog = new Watchdog(() => expired++);
});
afterEach(() => jest.useRealTimers());

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
});

it('does not expire after it is stopped', () => {
  watchdog.arm(100);
  watchdog.stop();
  jest.advanceTimersByTime(1000);
  expect(expired).toBe(0);
});

describe('after a stop of the process', () => {
  const stalled = (): void => {
    watchdog.arm(100);
    const late = performance.now() + 60_000;
    const spy = jest.spyOn(performance, 'now').mockReturnValue(late);
    jest.advanceTimersByTime(100);
    spy.mockRestore();
  };

  it('leaves time to read the sockets', () => {
    stalled();
    expect(expired).toBe(0);
    watchdog.arm(100);
    jest.advanceTimersByTime(99);
    expect(expired).toBe(0);
  });

  it('expires then, without progress', () => {
    stalled();
    jest.advanceTimersByTime(50);
    expect(expired).toBe(1);
  });
});
