import { goTime } from '../../../src/cli/output/status-text.js';

it.each([
  ['2026-11-26T01:02:03.456Z', '2026-11-26 01:02:03.456 +0000 UTC'],
  ['2026-11-26T01:02:03.400Z', '2026-11-26 01:02:03.4 +0000 UTC'],
  ['2026-11-26T01:02:30.000Z', '2026-11-26 01:02:30 +0000 UTC'],
])('writes %s as Go does', (text, expected) => {
  expect(goTime(Date.parse(text))).toBe(expected);
});

it.each([undefined, NaN])("writes %s as Go's zero time", (unixTime) => {
  expect(goTime(unixTime)).toBe('0001-01-01 00:00:00 +0000 UTC');
});
