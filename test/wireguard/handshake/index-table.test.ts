import type { Entropy } from '../../../src/ports/entropy.js';
import { IndexTable } from '../../../src/wireguard/handshake/index-table.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { WireguardPair } from '../../support/pairs/wireguard-pair.js';

/** An entropy source that returns these 32-bit numbers in order. */
function script(...numbers: number[]): Entropy {
  return {
    fill: (bytes) => new DataView(bytes.buffer).setUint32(0, numbers.shift()!),
  };
}

it('draws another index if one is in use', () => {
  const table = new IndexTable<string>(script(7, 7, 7, 9));
  expect(table.allocate('alice')).toBe(7);
  expect(table.allocate('bob')).toBe(9);
  expect(table.lookup(7)?.peer).toBe('alice');
  expect(table.size).toBe(2);
});

it('forgets a released index', () => {
  const table = new IndexTable<string>(script(0xffffffff));
  const index = table.allocate('alice');
  table.release(index);
  expect(table.lookup(index)).toBeUndefined();
});

it.each([0x8000_0000, 0xdead_beef, 0xffff_ffff])('knows the large index %i', (index) => {
  const table = new IndexTable<string>(script(index));
  expect(table.isStrange(index)).toBe(true);
  expect(table.allocate('alice')).toBe(index);
  // As unsigned and as signed numbers.
  for (const form of [index, index | 0]) {
    expect(table.lookup(form)?.peer).toBe('alice');
    expect(table.isStrange(form)).toBe(false);
  }
  table.release(index);
  for (const form of [index, index | 0]) expect(table.isStrange(form)).toBe(false);
  expect(table.size).toBe(0);
});

it('promotes an index from handshake to session', () => {
  const table = new IndexTable<string>(script(1));
  const keypair = WireguardPair.established().alice.peer.keypairs.current!;
  const index = table.allocate('alice');
  expect(table.lookup(index)?.keypair).toBeUndefined();
  table.promote(index, keypair);
  expect(table.lookup(index)?.keypair).toBe(keypair);
  expect(() => table.promote(2, keypair)).toThrow(new RangeError('the index is not allocated'));
});

it('distinguishes a released index from one that was never assigned', () => {
  const table = new IndexTable<string>(seededEntropy(1));
  const first = table.allocate('alice');
  expect([table.isStrange(first), table.isStrange(first + 1)]).toEqual([false, true]);
  table.release(first);
  expect(table.isStrange(first)).toBe(false);
  // Releasing an index that was never assigned does not make it known.
  table.release(first + 1);
  expect(table.isStrange(first + 1)).toBe(true);
  // The oldest of more than 64 is forgotten, to limit memory.
  for (let serial = 0; serial < 64; serial++) {
    expect(table.isStrange(first)).toBe(false);
    table.release(table.allocate('alice'));
  }
  expect(table.isStrange(first)).toBe(true);
});

it('remembers 64 released indices for each index in use, but at most 1,024', () => {
  const table = new IndexTable<string>(seededEntropy(1));
  for (let serial = 0; serial < 20; serial++) table.allocate('bob');
  const first = table.allocate('alice');
  table.release(first);
  for (let serial = 0; serial < 1_023; serial++) table.release(table.allocate('alice'));
  expect(table.isStrange(first)).toBe(false);
  table.release(table.allocate('alice'));
  expect(table.isStrange(first)).toBe(true);
});
