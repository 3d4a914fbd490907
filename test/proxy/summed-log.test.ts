import { jest } from '@jest/globals';

import { summedLog } from '../../src/proxy/summed-log.js';
import { RecordingLog } from '../support/fakes/recording-log.js';

let log: RecordingLog;

beforeEach(() => {
  jest.useFakeTimers();
  log = new RecordingLog();
});
afterEach(() => jest.useRealTimers());

const warnings = () => log.lines.map(({ message, fields }) => [message, fields]);

it('logs a warning at once, and equal warnings of the next 10 s in one line', () => {
  const summed = summedLog(log);
  for (let count = 0; count < 12_299; count++) summed.warn({ count }, 'too many');
  expect(warnings()).toEqual([['too many', { count: 0 }]]);
  jest.advanceTimersByTime(10_000);
  expect(warnings().slice(1)).toEqual([
    ['too many (12298 times more in 10 s)', { count: 12_298, repeated: 12_298 }],
  ]);
});

it('continues with one line per 10 s while they repeat, and then starts over', () => {
  const summed = summedLog(log);
  for (let second = 0; second < 60; second++) {
    summed.warn({}, 'again');
    jest.advanceTimersByTime(1_000);
  }
  expect(log.messages('warn')).toHaveLength(7);
  jest.advanceTimersByTime(10_000);
  expect(jest.getTimerCount()).toBe(0);
  summed.warn({}, 'again');
  expect(log.messages('warn').at(-1)).toBe('again');
});

it('distinguishes kinds of warnings', () => {
  const summed = summedLog(log);
  summed.warn({}, 'one');
  summed.warn({}, 'other');
  summed.warn({}, 'other');
  jest.advanceTimersByTime(10_000);
  expect(log.messages('warn')).toEqual(['one', 'other', 'other (once more in 10 s)']);
});

it('groups warnings that differ only in what a client can vary', () => {
  const summed = summedLog(log);
  for (let count = 0; count < 1_000; count++) summed.warn({}, `no host ${count}`);
  jest.advanceTimersByTime(10_000);
  expect(log.messages('warn')).toHaveLength(34);
  expect(log.messages('warn').at(-1)).toBe('more warnings of other kinds (967 times more in 10 s)');
});

it('does not change the other levels, and logs the sum once', () => {
  const summed = summedLog(log);
  expect(summedLog(summed)).toBe(summed);
  for (const level of ['error', 'info', 'debug'] as const) {
    summed[level]({}, level);
    summed[level]({}, level);
    expect(log.messages(level)).toEqual([level, level]);
  }
});
