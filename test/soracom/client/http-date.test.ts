import { parseHttpDate } from '../../../src/soracom/client/http-date.js';

const TIME = Date.UTC(1994, 10, 6, 8, 49, 37);

it.each([
  'Sun, 06 Nov 1994 08:49:37 GMT',
  'Sunday, 06-Nov-94 08:49:37 GMT',
  'Sun Nov  6 08:49:37 1994',
])('reads each form of RFC 9110 5.6.7: %s', (text) => {
  expect(parseHttpDate(text)).toBe(TIME);
});

it('interprets a two-digit year as at most 50 years ahead', () => {
  const year = new Date().getUTCFullYear();
  const withYear = (full: number) =>
    parseHttpDate(`Sunday, 06-Nov-${String(full % 100).padStart(2, '0')} 08:49:37 GMT`);
  const century = year - (year % 100);
  expect(withYear(year)).toBe(Date.UTC(year, 10, 6, 8, 49, 37));
  for (let digits = 0; digits < 100; digits++) {
    const ahead = century + digits - year;
    const expected = ahead > 50 ? century + digits - 100 : century + digits;
    expect(new Date(withYear(digits) ?? NaN).getUTCFullYear()).toBe(expected);
  }
});

it('reads a leap second as the second after it', () => {
  expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT')).toBe(Date.UTC(2017, 0, 1));
});

it.each([
  '',
  'tomorrow',
  '1994-11-06T08:49:37Z',
  'Sun, 06 Nov 1994 08:49:37',
  'Sun, 06 Nov 1994 08:49:37 CET',
  'Sun, 06 Foo 1994 08:49:37 GMT',
  'Sun, 31 Feb 1994 08:49:37 GMT',
  'Sun, 00 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 24:00:00 GMT',
  'Sun, 06 Nov 1994 08:60:00 GMT',
  'Sun, 06 Nov 1994 08:00:61 GMT',
  ' Sun, 06 Nov 1994 08:49:37 GMT ',
])('%j is not a date', (text) => {
  expect(parseHttpDate(text)).toBeUndefined();
});
