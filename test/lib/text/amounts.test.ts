import { ageText, bytesText, parseBytes } from '../../../src/lib/text/amounts.js';

it.each([
  [-5_000, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min 0 s'],
  [3_599_999, '59 min 59 s'],
  [3_600_000, '1 h 0 min'],
  [100 * 3_600_000, '100 h 0 min'],
])('writes %d ms as %s', (milliseconds, text) => {
  expect(ageText(milliseconds)).toBe(text);
});

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [12_345_678, '12.3 MB'],
  [2.5e9, '2.5 GB'],
  [9e15, '9000.0 TB'],
])('writes %d bytes as %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

it.each([
  ['1B', 1],
  ['500kB', 500_000],
  ['500KB', 500_000],
  ['50MB', 50_000_000],
  ['1.5 GB', 1_500_000_000],
  ['0.000001MB', 1],
  ['2TB', 2e12],
])('reads %s as %d bytes', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

it.each(['', '5', 'MB', '5M', '5mb', '5MiB', '-5MB', '5,5MB', '1e3MB', '.5MB', '5  MB', '5MB '])(
  'does not read %j',
  (text) => {
    expect(parseBytes(text)).toBeUndefined();
  },
);
