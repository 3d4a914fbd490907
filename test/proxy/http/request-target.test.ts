import { originTarget } from '../../../src/proxy/http/request-target.js';

it.each(['/', '//x', '/a/../b', '/%2F?x=http://y/', '*', '/http://x/', 'a:b'])(
  'keeps %s',
  (target) => expect(originTarget(target, 'GET')).toBe(target),
);

it.each([
  ['http://uni.soracom.io/a?b', 'GET', '/a?b'],
  ['http://uni.soracom.io:80//a%2F', 'POST', '//a%2F'],
  ['http://uni.soracom.io', 'GET', '/'],
  ['http://uni.soracom.io?b=/', 'GET', '/?b=/'],
  ['http://uni.soracom.io', 'OPTIONS', '*'],
  ['http://uni.soracom.io/', 'OPTIONS', '/'],
])('replaces the path and query of %s with %s', (target, method, expected) => {
  expect(originTarget(target, method)).toBe(expected);
});
