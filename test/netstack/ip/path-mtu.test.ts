import { PathMtus } from '../../../src/netstack/ip/path-mtu.js';
import { addressKey } from '../../../src/wire/ip-address.js';
import { ip } from '../../support/pairs/netstack-pair.js';

const V4 = ip('192.0.2.1');
const V6 = ip('2001:db8::1');

function of(paths: PathMtus, address = V4): number {
  return paths.of(addressKey(address));
}

it.each([
  ['the MTU that a router reports', V4, 1000, 1420, 1000],
  ['at least 552 in IPv4', V4, 68, 1420, 552],
  ['a plateau if an old router reports no MTU (RFC 1191 7)', V4, 0, 1420, 1006],
  ['the plateau below the size sent', V4, 0, 1006, 552],
  ['the MTU that a router reports in IPv6', V6, 1300, 1420, 1300],
  ['the minimum of IPv6', V6, 1280, 1420, 1280],
] as const)('learns %s', (_, address, mtu, sent, expected) => {
  const paths = new PathMtus(1420);
  expect(paths.learn(address, mtu, sent, 0)).toBe(true);
  expect(of(paths, address)).toBe(expected);
  expect(of(paths, address === V4 ? V6 : V4)).toBe(1420);
});

it.each([
  ['less than the IPv6 minimum (RFC 8201 4)', V6, 1279, 1420],
  ['no MTU, in IPv6', V6, 0, 1420],
  ['more than the tunnel’s MTU', V6, 1421, 65_000],
  ['the tunnel’s MTU', V4, 1420, 65_000],
  ['an MTU that the packet did not exceed', V4, 1000, 1000],
  ['an old router’s error for a packet of the minimum size', V4, 0, 500],
] as const)('ignores %s', (_, address, mtu, sent) => {
  const paths = new PathMtus(1420);
  expect(paths.learn(address, mtu, sent, 0)).toBe(false);
  expect(of(paths, address)).toBe(1420);
});

it('expires ten minutes after the last change (RFC 1191 6.3)', () => {
  const paths = new PathMtus(1420);
  paths.learn(V4, 1000, 1420, 0);
  paths.learn(V6, 1300, 1420, 1000);
  paths.learn(V4, 900, 1420, 2000);
  expect(paths.nextTimeout()).toBe(601_000);
  expect(paths.expire(600_999)).toBeUndefined();
  expect(paths.expire(601_000)).toBe(addressKey(V6));
  expect(paths.expire(601_000)).toBeUndefined();
  expect([of(paths), of(paths, V6)]).toEqual([900, 1420]);
  expect(paths.expire(602_000)).toBe(addressKey(V4));
  expect([of(paths), paths.size, paths.nextTimeout()]).toEqual([1420, 0, Infinity]);
});

it('stores up to 1,024 paths; the oldest is evicted (RFC 8201 5.2)', () => {
  const paths = new PathMtus(1420);
  for (let count = 0; count < 1025; count++) {
    paths.learn(Uint8Array.of(10, 1, count >> 8, count), 1000, 1420, count);
  }
  expect(paths.size).toBe(1024);
  expect(of(paths, ip('10.1.0.0'))).toBe(1420);
  expect(of(paths, ip('10.1.0.1'))).toBe(1000);
});
