import { formatAuthority, isFieldValue, isToken } from '../../../src/lib/text/http-syntax.js';

it.each(['POST', 'X-Device', "!#$%&'*+-.^_`|~09azAZ"])('%j is a token', (text) => {
  expect(isToken(text)).toBe(true);
});

it.each(['', 'a b', 'a:b', 'a\n', 'a/b', 'é', '"a"', '(', '@', '{'])(
  '%j is not a token',
  (text) => {
    expect(isToken(text)).toBe(false);
  },
);

it.each(['', 'a b\tc', '~ !', 'é\x80\xff'])('%j is valid as a field value', (text) => {
  expect(isFieldValue(text)).toBe(true);
});

it.each(['a\nb', 'a\r', '\0', '\x7f', '\x1b', '日'])('%j is not valid as a field value', (text) => {
  expect(isFieldValue(text)).toBe(false);
});

it('brackets IPv6 in an authority', () => {
  expect(formatAuthority({ host: '::1', port: 80 })).toBe('[::1]:80');
  expect(formatAuthority({ host: '127.0.0.1', port: 80 })).toBe('127.0.0.1:80');
});
