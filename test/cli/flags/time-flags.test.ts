import { parseOlderThan, parseSince, watchSeconds } from '../../../src/cli/flags/time-flags.js';

it.each([
  ['45s', 45_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['3d', 259_200_000],
  ['1w', 604_800_000],
])('%s is an age', (text, age) => {
  expect(parseSince(text)).toEqual({ age });
  expect(parseOlderThan(text)).toBe(age);
});

it.each([
  ['2026-11-25T14:00Z', Date.UTC(2026, 10, 25, 14)],
  ['2026-11-25T14:00:00.250+09:00', Date.UTC(2026, 10, 25, 5, 0, 0, 250)],
  ['2026-11-25', Date.UTC(2026, 10, 25)],
  ['2026-11-25T14:00', new Date(2026, 10, 25, 14).getTime()],
  ['2024-02-29', Date.UTC(2024, 1, 29)],
])('%s is a time', (text, unixTime) => {
  expect(parseSince(text)).toEqual({ unixTime });
  expect(() => parseOlderThan(text)).toThrow('the value must be a duration');
});

it.each(['', '10', '-10m', '1.5h', '10M', '1234567m', '2026-02-31', '2026-13-01', '20261125'])(
  '%j is neither',
  (text) => {
    expect(() => parseSince(text)).toThrow(
      expect.objectContaining({ kind: 'usage', what: `cannot use --since ${text}` }) as Error,
    );
  },
);

it('reads the seconds of status --watch', () => {
  expect([watchSeconds('1'), watchSeconds('86400')]).toEqual([1, 86_400]);
  for (const text of ['0', '86401', '0.5', '']) {
    const what = `cannot use ${JSON.stringify(text)} as SECONDS`;
    expect(() => watchSeconds(text)).toThrow(
      expect.objectContaining({ kind: 'usage', what }) as Error,
    );
  }
});
