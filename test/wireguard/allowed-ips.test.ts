/** Cases after the kernel's selftest/allowedips.c, and the sizes of netns.sh. */
import { AllowedIps } from '../../src/wireguard/allowed-ips.js';
import { maskAddress, parseIpAddress, parseIpPrefix } from '../../src/wire/ip-address.js';
import { seededBytes } from '../support/seeded-entropy.js';

interface Owner {
  readonly name: string;
}

function owner(name: string): Owner {
  return { name };
}

const [A, B, C, D, E, F, G, H] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(owner) as [
  Owner,
  Owner,
  Owner,
  Owner,
  Owner,
  Owner,
  Owner,
  Owner,
];

function tableOf(entries: readonly (readonly [Owner, string])[]): AllowedIps<Owner> {
  const table = new AllowedIps<Owner>();
  for (const [value, prefix] of entries) table.set(parseIpPrefix(prefix)!, value);
  return table;
}

function find(table: AllowedIps<Owner>, address: string): string | undefined {
  return table.lookup(parseIpAddress(address)!)?.name;
}

const ENTRIES = [
  [A, '192.168.4.0/24'],
  [B, '192.168.4.4/32'],
  [C, '192.168.0.0/16'],
  [D, '192.95.5.64/27'],
  [C, '192.95.5.65/27'],
  [E, '0.0.0.0/0'],
  [G, '64.15.112.0/20'],
  [H, '64.15.123.211/25'],
  [A, '10.0.0.0/25'],
  [B, '10.0.0.128/25'],
  [A, '10.1.0.0/30'],
  [B, '10.1.0.4/30'],
  [C, '10.1.0.8/29'],
  [D, '10.1.0.16/29'],
  [D, '2607:5300:6006:6b00::/64'],
  [C, '2607:5300:6006:6b00::c05f:543/128'],
  [E, '::/0'],
  [F, '::/0'],
  [G, '2404:6800::/32'],
  [H, '2404:6800:4004:800::/64'],
  [A, '2404:6800:4004:800:dead:beef:dead:beef/128'],
] as const;

it.each([
  ['192.168.4.20', 'a'],
  ['192.168.4.0', 'a'],
  ['192.168.4.4', 'b'],
  ['192.168.200.182', 'c'],
  ['192.95.5.68', 'c'],
  ['192.95.5.96', 'e'],
  ['64.15.116.26', 'g'],
  ['64.15.127.3', 'g'],
  ['64.15.123.200', 'h'],
  ['10.0.0.127', 'a'],
  ['10.0.0.200', 'b'],
  ['10.1.0.3', 'a'],
  ['10.1.0.7', 'b'],
  ['10.1.0.15', 'c'],
  ['10.1.0.23', 'd'],
  ['10.1.0.24', 'e'],
  ['2607:5300:6006:6b00::c05f:543', 'c'],
  ['2607:5300:6006:6b00::c02e:1ee', 'd'],
  ['2607:5300:6006:6b01::', 'f'],
  ['2404:6800:4004:806::1006', 'g'],
  ['2404:6800:4004:800::1', 'h'],
  ['2404:6800:4004:800:dead:beef:dead:beef', 'a'],
])('%s belongs to %s', (address, expected) => {
  expect(find(tableOf(ENTRIES), address)).toBe(expected);
  expect(find(tableOf(ENTRIES.toReversed().filter(([value]) => value !== E)), address)).toBe(
    expected === 'e' ? undefined : expected === 'c' && address === '192.95.5.68' ? 'd' : expected,
  );
});

it('reads an address inside a packet', () => {
  const table = tableOf(ENTRIES);
  const bytes = Uint8Array.of(1, 2, 3, 192, 168, 4, 4, 9);
  expect(table.lookupAt(bytes, 3, 4)).toBe(B);
  expect(table.lookupAt(bytes, 2, 4)).toBe(E);
});

it('takes all prefixes from one owner and no other', () => {
  const table = tableOf(ENTRIES);
  table.removeAll(B);
  expect(find(table, '192.168.4.4')).toBe('a');
  expect(find(table, '10.0.0.200')).toBe('e');
  for (const value of [A, C, D, E, F, G, H]) table.removeAll(value);
  expect(find(table, '192.168.4.4')).toBeUndefined();
  expect(find(table, '2404:6800::1')).toBeUndefined();
});

it('keeps the families apart', () => {
  const table = tableOf([[A, '0.0.0.0/0']]);
  expect(find(table, '::1')).toBeUndefined();
});

it('agrees with a search through a list, on random prefixes', () => {
  for (const length of [4, 16]) {
    const table = new AllowedIps<Owner>();
    const list: { address: Uint8Array; prefixLength: number; value: Owner }[] = [];
    for (let index = 0; index < 400; index++) {
      const random = seededBytes(index, length + 2);
      // Few different leading bytes, so that prefixes nest.
      random[0]! &= 3;
      random[1]! &= 1;
      const prefixLength = random[length]! % (length * 8 + 1);
      const address = maskAddress(random.subarray(0, length), prefixLength);
      const value = owner(String(index % 7));
      table.set({ address, prefixLength }, value);
      list.push({ address, prefixLength, value });
    }
    for (let index = 0; index < 500; index++) {
      const address = seededBytes(index + 5_000, length);
      address[0]! &= 3;
      address[1]! &= 1;
      const matching = list.filter(
        (entry) => Buffer.compare(maskAddress(address, entry.prefixLength), entry.address) === 0,
      );
      const longest = Math.max(...matching.map(({ prefixLength }) => prefixLength));
      const expected = matching.findLast(({ prefixLength }) => prefixLength === longest)?.value;
      expect(table.lookup(address)).toBe(expected);
    }
  }
});

it('holds 130,560 prefixes', () => {
  const table = new AllowedIps<Owner>();
  for (let high = 0; high < 255; high++) {
    for (let low = 0; low < 256; low++) {
      const value = low % 2 === 0 ? A : B;
      table.set({ address: Uint8Array.of(high, low, 0, 0), prefixLength: 16 }, value);
      const address = new Uint8Array(16);
      address.set([0x20, 0x01, high, low]);
      table.set({ address, prefixLength: 32 }, value);
    }
  }
  expect(find(table, '254.255.1.1')).toBe('b');
  expect(find(table, '7.8.1.1')).toBe('a');
  expect(find(table, '255.0.0.1')).toBeUndefined();
  expect(find(table, '2001:fe05::1')).toBe('b');
  table.removeAll(B);
  expect(find(table, '254.255.1.1')).toBeUndefined();
  expect(find(table, '254.254.1.1')).toBe('a');
});
