import { parseHeaderFlag } from '../../../src/proxy/forward/header-flag.js';
import { thrownBy } from '../support/thrown.js';

it.each([
  ['X-A: b', 'X-A', 'b'],
  ['Referer: https://example.com:8080/a', 'Referer', 'https://example.com:8080/a'],
  ['X-A:b', 'X-A', 'b'],
  ['X-A: \t b c \t', 'X-A', 'b c'],
  ['X-A:', 'X-A', ''],
  ["x!#$%&'*+.^_`|~9: \xe9", "x!#$%&'*+.^_`|~9", '\xe9'],
  ['Host: uni.soracom.io', 'Host', 'uni.soracom.io'],
])('reads %j', (text, name, value) => {
  expect(parseHeaderFlag(text)).toEqual([name, value]);
});

it.each([
  'X-A',
  '',
  ': b',
  'X A: b',
  ' X-A: b',
  'X-A : b',
  'X-\xe9: b',
  'X-A: b\r\nX-B: c',
  'X-A: b\n',
  'X-A: b\0',
  'X-A: \u65e5',
  'Connection: close',
  'transfer-encoding: chunked',
  'TE: trailers',
  'Content-Length: 3',
  'Expect: 100-continue',
])('refuses %j', (text) => {
  expect(thrownBy(() => parseHeaderFlag(text))).toMatchObject({ name: 'UserError', kind: 'usage' });
});

it('does not repeat a value, which may be a credential', () => {
  const attempt = () => parseHeaderFlag('Authorization: hunter2\u65e5');
  expect(attempt).toThrow(/Authorization/);
  expect(attempt).not.toThrow(/hunter2/);
});
