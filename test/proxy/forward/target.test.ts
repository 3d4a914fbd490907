import { parseTarget } from '../../../src/proxy/forward/target.js';

it.each([
  ['100.127.69.42:80', { host: '100.127.69.42', port: 80 }],
  ['100.127.69.42', { host: '100.127.69.42', port: 80 }],
  ['100.127.127.100:8888', { host: '100.127.127.100', port: 8888 }],
  ['[2001:db8::1]:80', { host: '2001:db8::1', port: 80 }],
  ['uni.soracom.io', { host: 'uni.soracom.io', port: 80 }],
  ['example.internal:8080', { host: 'example.internal', port: 8080 }],
])('reads %s', (text, target) => {
  expect(parseTarget(text)).toEqual(target);
});

it('uses another default port', () => {
  expect(parseTarget('100.127.69.42', 23080)).toEqual({ host: '100.127.69.42', port: 23080 });
  expect(parseTarget('[2001:db8::1]', 23080)).toEqual({ host: '2001:db8::1', port: 23080 });
  expect(parseTarget('100.127.69.42:1', 23080).port).toBe(1);
});

it.each([
  '',
  ':80',
  '100.127.69.42:0',
  '100.127.69.42:65536',
  '100.127.69.42:',
  '2001:db8::1',
  'a b',
  '127.1:80',
  'http://uni.soracom.io',
  // A key without its padding is not a name.
  `${'x1Yz9'.repeat(8)}aB3:80`,
  `${'a'.repeat(64)}.internal`,
])('refuses "%s"', (text) => {
  expect(() => parseTarget(text)).toThrow('cannot use --forward-to');
});
