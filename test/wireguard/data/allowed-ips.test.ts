/**
 * The cases of the kernel's selftest/allowedips.c and of wireguard-go's allowedips_test.go, and Removal of a single prefix is not covered: a prefix moves or is removed with
 * its owner.
 */
import { AllowedIps } from '../../../src/wireguard/data/allowed-ips.js';
import { maskAddress, parseIpAddress, parseIpPrefix } from '../../../src/wire/ip-address.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';

interface Owner {
  readonly name: string;
}

const OWNERS = new Map(
  ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name): [string, Owner] => [name, { name }]),
);

function owner(name: string): Owner {
  return OWNERS.get(name)!;
}

type Entry = readonly [name: string, prefix: string];

function tableOf(entries: readonly Entry[]): AllowedIps<Owner> {
  const table = new AllowedIps<Owner>();
  for (const [name, prefix] of entries) table.set(parseIpPrefix(prefix)!, owner(name));
  return table;
}

function find(table: AllowedIps<Owner>, address: string): string | undefined {
  return table.lookup(parseIpAddress(address)!)?.name;
}

/** In the kernel's order, in which two entries are replaced and three need masking. */
const ENTRIES: readonly Entry[] = [
  ['a', '192.168.4.0/24'],
  ['b', '192.168.4.4/32'],
  ['c', '192.168.0.0/16'],
  ['d', '192.95.5.64/27'],
  ['c', '192.95.5.65/27'],
  ['d', '2607:5300:6000:6b00::c05f:543/128'],
  ['c', '2607:5300:6000:6b00::/64'],
  ['e', '0.0.0.0/0'],
  ['e', '::/0'],
  ['f', '::/0'],
  ['g', '2404:6800::/32'],
  ['h', '2404:6800:4004:800:dead:beef:dead:beef/64'],
  ['a', '2404:6800:4004:800:dead:beef:dead:beef/128'],
  ['c', '2444:6800:40e4:800:deae:beef:def:beef/128'],
  ['b', '2444:6800:f0e4:800:eeae:beef::/98'],
  ['g', '64.15.112.0/20'],
  ['h', '64.15.123.211/25'],
  ['a', '10.0.0.0/25'],
  ['b', '10.0.0.128/25'],
  ['a', '10.1.0.0/30'],
  ['b', '10.1.0.4/30'],
  ['c', '10.1.0.8/29'],
  ['d', '10.1.0.16/29'],
];

const ANSWERS: readonly (readonly [address: string, name: string])[] = [
  ['192.168.4.20', 'a'],
  ['192.168.4.0', 'a'],
  ['192.168.4.4', 'b'],
  ['192.168.200.182', 'c'],
  ['192.95.5.68', 'c'],
  ['192.95.5.96', 'e'],
  ['2607:5300:6000:6b00::c05f:543', 'd'],
  ['2607:5300:6000:6b00::c02e:1ee', 'c'],
  ['2607:5300:6000:6b01::', 'f'],
  ['2404:6800:4004:806::1006', 'g'],
  ['2404:6800:4004:806:0:1234:0:5678', 'g'],
  ['2404:67ff:4004:806:0:1234:0:5678', 'f'],
  ['2404:6801:4004:806:0:1234:0:5678', 'f'],
  ['2404:6800:4004:800:0:1234:0:5678', 'h'],
  ['2404:6800:4004:800::', 'h'],
  ['2404:6800:4004:800:1010:1010:1010:1010', 'h'],
  ['2404:6800:4004:800:dead:beef:dead:beef', 'a'],
  ['64.15.116.26', 'g'],
  ['64.15.127.3', 'g'],
  ['64.15.123.1', 'g'],
  ['64.15.123.128', 'h'],
  ['64.15.123.129', 'h'],
  ['10.0.0.52', 'a'],
  ['10.0.0.220', 'b'],
  ['10.1.0.2', 'a'],
  ['10.1.0.6', 'b'],
  ['10.1.0.10', 'c'],
  ['10.1.0.20', 'd'],
  ['10.1.0.24', 'e'],
  ['2444:6800:40e4:800:deae:beef:def:beef', 'c'],
  ['2444:6800:40e4:800:deae:beef:def:beee', 'f'],
  ['2444:6800:f0e4:800:eeae:beef:1010:1010', 'b'],
  ['2444:6800:f0e4:800:eeae:beef:4010:1010', 'f'],
];

it('returns the same result for any order of the prefixes, except replaced ones', () => {
  const unique = ENTRIES.filter(
    ([name, prefix]) => !['d192.95.5.64/27', 'e::/0'].includes(name + prefix),
  );
  for (const entries of [unique, unique.toReversed(), unique.toSorted()]) {
    const table = tableOf(entries);
    for (const [address, name] of ANSWERS)
      expect([address, find(table, address)]).toEqual([address, name]);
  }
});

const HOSTS = ['1.0.0.0', '64.0.0.0', '128.0.0.0', '192.0.0.0', '255.0.0.0'];

it('finds single hosts in each quarter of the address space, but not after their removal', () => {
  const table = tableOf([...ENTRIES, ...HOSTS.map((host): Entry => ['a', `${host}/32`])]);
  for (const host of HOSTS) expect(find(table, host)).toBe('a');
  table.removeAll(owner('a'));
  for (const host of HOSTS) expect(find(table, host)).toBe('e');
  table.removeAll(owner('a'));
  for (const name of 'bcdefgh') table.removeAll(owner(name));
  for (const [address] of ANSWERS) expect(find(table, address)).toBeUndefined();
  expect(table.isEmpty).toBe(true);
});

it('removes a prefix inside another one of the same owner', () => {
  const table = tableOf([
    ['a', '192.168.0.0/16'],
    ['a', '192.168.0.0/24'],
  ]);
  expect(table.isEmpty).toBe(false);
  table.removeAll(owner('a'));
  expect(find(table, '192.168.0.1')).toBeUndefined();
  expect(table.isEmpty).toBe(true);
});

it('returns an inner prefix to the outer one if only the inner owner is removed', () => {
  const table = tableOf(ENTRIES);
  table.removeAll(owner('b'));
  expect(find(table, '192.168.4.4')).toBe('a');
  expect(find(table, '10.0.0.200')).toBe('e');
  expect(find(table, '10.1.0.6')).toBe('e');
});

it('stores addresses that differ in each of the 128 bits, at the maximum depth', () => {
  const table = new AllowedIps<Owner>();
  const hole = (bit: number) => {
    const address = new Uint8Array(16).fill(0xff);
    address[bit >> 3]! ^= 0x80 >> (bit & 7);
    return address;
  };
  for (let bit = 0; bit < 128; bit++) {
    table.set({ address: hole(bit), prefixLength: 128 }, owner(bit % 2 === 0 ? 'a' : 'b'));
  }
  for (let bit = 0; bit < 128; bit++) {
    expect(table.lookup(hole(bit))).toBe(owner(bit % 2 === 0 ? 'a' : 'b'));
  }
  expect(table.lookup(new Uint8Array(16).fill(0xff))).toBeUndefined();
  table.removeAll(owner('a'));
  for (let bit = 0; bit < 128; bit++) {
    expect(table.lookup(hole(bit))).toBe(bit % 2 === 0 ? undefined : owner('b'));
  }
});

it.each([
  ['192.95.5.93/27', '192.95.5.64', '192.95.5.95', '192.95.5.63', '192.95.5.96'],
  ['10.1.0.20/29', '10.1.0.16', '10.1.0.23', '10.1.0.15', '10.1.0.24'],
  [
    '2607:5300:6d8a:6bf8:dab1:f1df:c05f:1523/83',
    '2607:5300:6d8a:6bf8:dab1:e000::',
    '2607:5300:6d8a:6bf8:dab1:ffff:ffff:ffff',
    '2607:5300:6d8a:6bf8:dab1:dfff:ffff:ffff',
    '2607:5300:6d8a:6bf8:dab2::',
  ],
  [
    '2607:5300:6d8a:6bf8:dab1:f1df:c05f:1523/21',
    '2607:5000::',
    '2607:57ff:ffff:ffff:ffff:ffff:ffff:ffff',
    '2607:4fff:ffff:ffff:ffff:ffff:ffff:ffff',
    '2607:5800::',
  ],
])('%s is from %s to %s, and neither %s nor %s', (prefix, first, last, before, behind) => {
  const table = tableOf([['a', prefix]]);
  expect([first, last].map((address) => find(table, address))).toEqual(['a', 'a']);
  expect([before, behind].map((address) => find(table, address))).toEqual([undefined, undefined]);
});

// Named by the number of shared bits: 7, 13, 31, 15 and 0.
it.each([
  ['1.4.53.128', '0.0.0.0'],
  ['0.4.53.128', '0.0.0.0'],
  ['0.4.53.253', '0.4.53.252'],
  ['192.168.1.1', '192.169.1.1'],
  ['65.168.1.1', '192.169.1.1'],
])('distinguishes %s from %s', (left, right) => {
  const table = tableOf([
    ['a', `${left}/32`],
    ['b', `${right}/32`],
  ]);
  expect(find(table, left)).toBe('a');
  expect(find(table, right)).toBe('b');
  expect(find(table, '100.100.100.100')).toBeUndefined();
});

it('reads an address inside a packet', () => {
  const table = tableOf(ENTRIES);
  const bytes = Uint8Array.of(1, 2, 3, 192, 168, 4, 4, 9);
  expect(table.lookupAt(bytes, 3, 4)).toBe(owner('b'));
  expect(table.lookupAt(bytes, 2, 4)).toBe(owner('e'));
});

it('keeps the families apart', () => {
  const table = tableOf([['a', '0.0.0.0/0']]);
  expect(tableOf([['a', '::/0']]).isEmpty).toBe(false);
  expect(find(table, '::1')).toBeUndefined();
  expect(find(tableOf([['a', '::/0']]), '1.2.3.4')).toBeUndefined();
});

interface Route {
  readonly address: Uint8Array;
  readonly prefixLength: number;
  owner: Owner;
}

/** The expected behavior of the trie, by linear search. */
class NaiveRoutes {
  #routes: Route[] = [];

  set(address: Uint8Array, prefixLength: number, to: Owner): void {
    const masked = maskAddress(address, prefixLength);
    const known = this.#routes.find(
      (route) => route.prefixLength === prefixLength && equal(route.address, masked),
    );
    if (known !== undefined) known.owner = to;
    else this.#routes.push({ address: masked, prefixLength, owner: to });
  }

  removeAll(of: Owner): void {
    this.#routes = this.#routes.filter((route) => route.owner !== of);
  }

  lookup(address: Uint8Array): Owner | undefined {
    let best: Route | undefined;
    for (const route of this.#routes) {
      if (best !== undefined && route.prefixLength <= best.prefixLength) continue;
      if (isInside(address, route)) best = route;
    }
    return best?.owner;
  }
}

/** Compares bit by bit, for simplicity rather than speed. */
function isInside(address: Uint8Array, { address: prefix, prefixLength }: Route): boolean {
  for (let bit = 0; bit < prefixLength; bit++) {
    if (((address[bit >> 3]! ^ prefix[bit >> 3]!) & (0x80 >> (bit & 7))) !== 0) return false;
  }
  return true;
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/** Random routes and, for each, others that share a random number of leading bits. */
class RandomAddresses {
  readonly #entropy;
  readonly #length: number;
  readonly #known: Uint8Array[] = [];

  constructor(seed: number, length: number) {
    this.#entropy = seededEntropy(seed);
    this.#length = length;
  }

  below(limit: number): number {
    const bytes = new Uint8Array(2);
    this.#entropy.fill(bytes);
    return (bytes[0]! * 256 + bytes[1]!) % limit;
  }

  next(): Uint8Array {
    const address = new Uint8Array(this.#length);
    this.#entropy.fill(address);
    const base = this.#known[this.below(this.#known.length + 1)];
    if (base !== undefined) {
      const shared = this.below(this.#length * 8 + 1);
      for (let bit = 0; bit < shared; bit++) copyBit(base, address, bit);
    }
    if (this.#known.length < 300) this.#known.push(address);
    return address;
  }
}

function copyBit(from: Uint8Array, to: Uint8Array, bit: number): void {
  const mask = 0x80 >> (bit & 7);
  to[bit >> 3] = (to[bit >> 3]! & ~mask) | (from[bit >> 3]! & mask);
}

it.each([
  [4, 1],
  [16, 3],
])(
  'matches a linear list, for addresses of %i bytes, while owners are removed (seed %i)',
  (length, seed) => {
    const random = new RandomAddresses(seed, length);
    const owners = Array.from({ length: 12 }, (_, index): Owner => ({ name: String(index) }));
    const [table, naive] = [new AllowedIps<Owner>(), new NaiveRoutes()];
    for (let count = 0; count < 400; count++) {
      const address = random.next();
      const prefixLength = random.below(length * 8 + 1);
      const to = owners[random.below(owners.length)]!;
      table.set({ address, prefixLength }, to);
      naive.set(address, prefixLength, to);
    }
    for (const leaving of owners) {
      for (let query = 0; query < 300; query++) {
        const address = random.next();
        if (table.lookup(address) !== naive.lookup(address))
          throw new Error(`wrong: ${address.join()}`);
      }
      table.removeAll(leaving);
      naive.removeAll(leaving);
    }
    for (let query = 0; query < 300; query++) expect(table.lookup(random.next())).toBeUndefined();
    expect(table.isEmpty).toBe(true);
  },
);
