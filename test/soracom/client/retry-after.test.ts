import { retryAfter } from '../../../src/soracom/client/retry-after.js';

const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';
const YEAR = 365 * 24 * 3600 * 1000;

it.each([
  ['0', 0],
  ['120', 120_000],
  [' 7 ', 7000],
  ['9'.repeat(400), YEAR],
  ['Sun, 06 Nov 1994 08:50:37 GMT', 60_000],
  ['Sun Nov  6 08:49:38 1994', 1000],
  ['Sun, 06 Nov 1994 08:49:36 GMT', 0],
  ['Sun, 06 Nov 2994 08:49:37 GMT', YEAR],
  ['-1', undefined],
  ['1.5', undefined],
  ['1e3', undefined],
  ['soon', undefined],
  ['', undefined],
])('Retry-After %j means %s ms', (text, wait) => {
  expect(retryAfter({ headers: { 'retry-after': text, date: DATE } })).toBe(wait);
});

it('ignores a date if the answer has no date for comparison', () => {
  const headers = { 'retry-after': 'Sun, 06 Nov 2994 08:50:37 GMT' };
  expect(retryAfter({ headers })).toBeUndefined();
  expect(retryAfter({ headers: { ...headers, date: 'now' } })).toBeUndefined();
  expect(retryAfter({ headers: { date: DATE } })).toBeUndefined();
});
