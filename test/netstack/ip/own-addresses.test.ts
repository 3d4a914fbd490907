import { isUnicast, OwnAddresses } from '../../../src/netstack/ip/own-addresses.js';
import { ip } from '../../support/pairs/netstack-pair.js';

const ADDRESSES = ['fd00::1', '10.0.0.1', '10.0.0.2', 'fd00::2'].map(ip);

it('sends from the first address of the family, or from the requested one (MUST-43, MUST-44)', () => {
  const addresses = new OwnAddresses(ADDRESSES);
  expect(addresses.select(ip('192.0.2.1'))).toBe(1);
  expect(addresses.select(ip('2001:db8::1'))).toBe(0);
  expect(addresses.select(ip('192.0.2.1'), ip('10.0.0.2'))).toBe(2);
  expect(addresses.select(ip('2001:db8::1'), ip('fd00::2'))).toBe(3);
  expect(addresses.hasIpv6).toBe(true);
});

it.each([
  ['of the other family', '192.0.2.1', 'fd00::1'],
  ['of another host', '192.0.2.1', '10.0.0.3'],
])('does not send from an address %s', (_, remote, wanted) => {
  expect(() => new OwnAddresses(ADDRESSES).select(ip(remote), ip(wanted))).toThrow(RangeError);
});

it('has no address for an unconfigured family', () => {
  const addresses = new OwnAddresses([ip('10.0.0.1')]);
  expect(addresses.hasIpv6).toBe(false);
  expect(addresses.firstFor(ip('fd00::1'))).toBe(-1);
  expect(() => addresses.select(ip('fd00::1'))).toThrow(RangeError);
});

it('keeps a copy of the given addresses', () => {
  const address = ip('10.0.0.1');
  const addresses = new OwnAddresses([address]);
  address[3] = 9;
  expect(addresses.indexOf(ip('10.0.0.1'))).toBe(0);
  expect(addresses.at(0)).toEqual(ip('10.0.0.1'));
});

it.each([
  ['0.0.0.1', false],
  ['1.0.0.0', true],
  ['126.255.255.255', true],
  ['127.0.0.1', false],
  ['223.255.255.255', true],
  ['224.0.0.0', false],
  ['::', false],
  ['::1', false],
  ['::2', true],
  ['::ffff:10.0.0.1', false],
  ['fe80::1', true],
  ['feff::', true],
  ['ff00::', false],
])('%s is the address of a single host: %s', (text, expected) => {
  expect(isUnicast(ip(text))).toBe(expected);
});

describe('replace', () => {
  const none = () => false;

  it('reuses an index not in the change that freed it, but in the next one', () => {
    const addresses = new OwnAddresses([ip('10.0.0.1')]);
    addresses.replace([ip('10.0.0.2')], none);
    expect(addresses.at(0)).toEqual(ip('10.0.0.1'));
    addresses.replace([ip('10.0.0.3')], none);
    expect(addresses.indexOf(ip('10.0.0.3'))).toBe(0);
    // But not if the index is reserved for a returning address.
    addresses.replace([ip('10.0.0.4'), ip('10.0.0.2')], none);
    expect(addresses.indexOf(ip('10.0.0.2'))).toBe(1);
    expect(addresses.indexOf(ip('10.0.0.4'))).toBe(2);
    // Independent of the number of address changes.
    for (let last = 5; last < 200; last++) addresses.replace([ip(`10.0.0.${last}`)], none);
    expect(addresses.indexOf(ip('10.0.0.199'))).toBeLessThan(3);
  });

  it('adds and removes a family', () => {
    const addresses = new OwnAddresses([ip('10.0.0.1')]);
    addresses.replace([ip('fd00::1')], none);
    expect(addresses.hasIpv6).toBe(true);
    expect(addresses.firstFor(ip('192.0.2.1'))).toBe(-1);
    expect(addresses.at(addresses.firstFor(ip('fd00::2')))).toEqual(ip('fd00::1'));
  });

  it('changes nothing if an address has no known family or the list is empty', () => {
    const addresses = new OwnAddresses([ip('10.0.0.1')]);
    for (const others of [[], [ip('10.0.0.2'), new Uint8Array(6)]]) {
      expect(() => addresses.replace(others, none)).toThrow(RangeError);
      expect(addresses.all).toEqual([ip('10.0.0.1')]);
      expect(addresses.isOurs(0)).toBe(true);
    }
  });
});
