import { originTarget, readAuthority } from '../../../src/proxy/mixed/request-authority.js';

it.each([
  ['one.test', { host: 'one.test', port: 80 }],
  ['One.test.:8080', { host: 'One.test.', port: 8080 }],
  ['100.127.69.42:81', { host: '100.127.69.42', port: 81 }],
  ['[2001:DB8::1]:81', { host: '2001:db8::1', port: 81 }],
  ['[::ffff:10.0.0.1]', { host: '10.0.0.1', port: 80 }],
  ['[0:0:0:0:0:FFFF:10.0.0.1]', { host: '10.0.0.1', port: 80 }],
  ['[::10.0.0.1]', { host: '::a00:1', port: 80 }],
  ['[64:ff9b::10.0.0.1]:1', { host: '64:ff9b::a00:1', port: 1 }],
  ['[::]', { host: '::', port: 80 }],
  ['one.test:', { host: 'one.test', port: 80 }],
])('reads %s', (text, target) => {
  expect(readAuthority(text, 80)).toEqual(target);
});

it.each([
  '',
  ':80',
  'user@one.test',
  'user:secret@one.test',
  '127.1',
  '0x7f000001',
  '2130706433',
  '010.0.0.1',
  'one.test:0',
  'one.test:65536',
  'one.test:-1',
  '[::1%25lo]',
  '[10.0.0.1]',
  '[::10.0.0.256]',
  '[::10.0.0.01]',
  '[1::2::3]',
  '[v1.a:b]',
  '[::1',
  '[::1]a',
  '::1',
  'a b',
  'a..b',
])('refuses %j', (text) => {
  expect(readAuthority(text, 80)).toBeUndefined();
});

it('requires a port if there is no default', () => {
  expect(readAuthority('one.test', 0)).toBeUndefined();
});

it.each(['/', '//x', '/a/../b', '/%2F?x=http://y/', '*', '/http://x/', 'a:b'])(
  'keeps the request target %s',
  (target) => expect(originTarget(target, 'GET')).toBe(target),
);

it.each([
  ['http://uni.soracom.io/a?b', 'GET', '/a?b'],
  ['http://uni.soracom.io:80//a%2F', 'POST', '//a%2F'],
  ['http://uni.soracom.io', 'GET', '/'],
  ['http://uni.soracom.io?b=/', 'GET', '/?b=/'],
  ['http://uni.soracom.io', 'OPTIONS', '*'],
])('replaces the absolute form %s with its path and query', (target, method, expected) => {
  expect(originTarget(target, method)).toBe(expected);
});
