import { isFieldValue, isToken } from '../../../src/lib/text/http-syntax.js';

it.each(['POST', 'X-Device', "!#$%&'*+-.^_`|~09azAZ"])('%j is a token', (text) => {
  expect(isToken(text)).toBe(true);
});

it.each(['', 'a b', 'a:b', 'a\n', 'a/b', 'é', '"a"', '(', '@', '{'])('%j is none', (text) => {
  expect(isToken(text)).toBe(false);
});

it.each(['', 'a b\tc', '~ !', 'é\x80\xff'])('%j may be the value of a field', (text) => {
  expect(isFieldValue(text)).toBe(true);
});

it.each(['a\nb', 'a\r', '\0', '\x7f', '\x1b', '日'])('%j may not', (text) => {
  expect(isFieldValue(text)).toBe(false);
});
