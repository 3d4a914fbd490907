import { parseOlderThan, parseSince } from '../../../src/cli/flags/since-flag.js';

it.each([
  ['45s', 45_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['3d', 259_200_000],
  ['1w', 604_800_000],
  ['0m', 0],
])('%s is an age', (text, age) => {
  expect(parseSince(text)).toEqual({ age });
});

it.each([
  ['2026-11-25T14:00:00Z', Date.UTC(2026, 10, 25, 14)],
  ['2026-11-25T14:00Z', Date.UTC(2026, 10, 25, 14)],
  ['2026-11-25T14:00:00.250+09:00', Date.UTC(2026, 10, 25, 5, 0, 0, 250)],
  ['2026-11-25', Date.UTC(2026, 10, 25)],
  ['2026-11-25T14:00', new Date(2026, 10, 25, 14).getTime()],
  ['2024-02-29', Date.UTC(2024, 1, 29)],
])('%s is a time', (text, unixTime) => {
  expect(parseSince(text)).toEqual({ unixTime });
});

it.each([
  '',
  '10',
  'm',
  '-10m',
  '1.5h',
  '10M',
  '10 m',
  '1234567m',
  'yesterday',
  '2026-02-31',
  '2026-13-01',
  '2026-11-25T25:00',
  '2026-11-25 14:00',
  '25.11.2026',
  '20261125',
  '2026-11-25T14:00:00Zx',
])('%j is neither', (text) => {
  let thrown: unknown;
  try {
    parseSince(text);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ kind: 'usage', what: `cannot use --since ${text}` });
});

it.each([
  ['0s', 0],
  ['90m', 5_400_000],
  ['3d', 259_200_000],
])('%s is a value of --older-than', (text, age) => {
  expect(parseOlderThan(text)).toBe(age);
});

it.each(['', '2', '1.5h', '-2h', '2026-11-25'])('%j is no value of --older-than', (text) => {
  expect(() => parseOlderThan(text)).toThrow('the value must be a duration');
});
