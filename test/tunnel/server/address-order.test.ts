import { familyOf, happyEyeballsOrder } from '../../../src/tunnel/server/address-order.js';

it.each<[string[], string[]]>([
  [[], []],
  [['192.0.2.1'], ['192.0.2.1']],
  // The families alternate, beginning with the family of the resolver's first address (RFC 8305 4).
  [
    ['2001:db8::1', '2001:db8::2', '2001:db8::3', '192.0.2.1'],
    ['2001:db8::1', '192.0.2.1', '2001:db8::2', '2001:db8::3'],
  ],
  [
    ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'],
    ['192.0.2.1', '2001:db8::1', '192.0.2.2', '2001:db8::2'],
  ],
  [
    ['192.0.2.1', '2001:db8::1', '192.0.2.1', '2001:db8::1'],
    ['192.0.2.1', '2001:db8::1'],
  ],
])('%j is tried in the order %j', (addresses, order) => {
  expect(happyEyeballsOrder(addresses)).toEqual(order);
});

it.each([
  ['192.0.2.1', 4],
  ['::1', 6],
])('%s is of family %d', (address, family) => {
  expect(familyOf(address)).toBe(family);
});
