import fc from 'fast-check';

import { DropCounter } from '../../../src/lib/drop-counter.js';
import type { DropReason } from '../../../src/netstack/drop-reason.js';
import { type Fragment, Reassembly } from '../../../src/netstack/ip/reassembly.js';
import { patternBytes } from '../../support/pairs/netstack-pair.js';

const HEADER = Uint8Array.of(0xaa, 0xbb);

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The fragment of `whole` for a range, in a packet after three other bytes. */
function pieceOf(whole: Uint8Array, { start, end }: Range, key = 'k'): Fragment {
  const packet = Uint8Array.of(1, 2, 3, ...whole.subarray(start, end));
  const isLast = end === whole.length;
  const header = start === 0 ? HEADER : undefined;
  return { key, packet, dataOffset: 3, start, isLast, header };
}

function create(limits = {}): { reassembly: Reassembly; drops: DropCounter<DropReason> } {
  const drops = new DropCounter<DropReason>();
  const all = { reassemblies: 64, reassemblyBytes: 1 << 20, ...limits };
  return { reassembly: new Reassembly(all, drops), drops };
}

/** A datagram cut into adjacent pieces, in any order, some of them repeated. */
const anyPieces = fc
  .record({
    length: fc.integer({ min: 1, max: 900 }),
    cuts: fc.uniqueArray(fc.integer({ min: 1, max: 110 }), { maxLength: 12 }),
    seed: fc.integer({ min: 1, max: 1000 }),
    order: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 13, maxLength: 13 }),
    twice: fc.array(fc.boolean(), { minLength: 13, maxLength: 13 }),
  })
  .map(({ length, cuts, seed, order, twice }) => {
    const whole = patternBytes(length, seed);
    const inside = cuts.map((eighth) => eighth * 8).filter((mark) => mark < length);
    const marks = [0, ...inside.sort((left, right) => left - right), length];
    const ranges = marks.slice(1).map((end, index) => ({ start: marks[index]!, end }));
    const shuffled = ranges
      .map((range, index) => ({ range, rank: order[index]!, again: twice[index]! }))
      .sort((left, right) => left.rank - right.rank)
      .flatMap(({ range, again }) => (again ? [range, range] : [range]));
    return { whole, ranges: shuffled };
  });

it('reassembles fragments in any order and with duplicates (RFC 1122 3.3.2)', () => {
  fc.assert(
    fc.property(anyPieces, ({ whole, ranges }) => {
      const { reassembly } = create();
      const results: Uint8Array[] = [];
      for (const range of ranges) {
        const result = reassembly.insert(pieceOf(whole, range), 0);
        if (result !== undefined) {
          results.push(result);
          break;
        }
      }
      expect(results).toEqual([Uint8Array.of(...HEADER, ...whole)]);
      expect([reassembly.size, reassembly.usedBytes]).toEqual([0, 0]);
    }),
    { numRuns: 300, seed: 1 },
  );
});

/** A model of the rules, octet by octet: the piece that completes the datagram, or never. */
function model(length: number, ranges: readonly Range[]): number {
  const taken = new Array<boolean>(length).fill(false);
  const seen: Range[] = [];
  for (const [index, range] of ranges.entries()) {
    if (seen.some(({ start, end }) => start === range.start && end === range.end)) continue;
    for (let octet = range.start; octet < range.end; octet++) {
      if (taken[octet]) return -1;
      taken[octet] = true;
    }
    seen.push(range);
    if (taken.every(Boolean)) return index;
  }
  return -1;
}

it('drops a datagram after two fragments overlap (RFC 5722)', () => {
  let spoiled = 0;
  fc.assert(
    fc.property(
      anyPieces,
      fc.integer({ min: 0, max: 111 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(),
      ({ whole, ranges }, eighth, eighths, place) => {
        const start = Math.min(eighth * 8, (whole.length - 1) & ~7);
        const foreign = { start, end: Math.min(start + eighths * 8, whole.length) };
        const mixed = ranges.slice();
        mixed.splice(place % ranges.length, 0, foreign);
        const { reassembly, drops } = create();
        const expected = model(whole.length, mixed);
        const done = mixed.findIndex(
          (range) => reassembly.insert(pieceOf(whole, range), 0) !== undefined,
        );
        expect(done).toBe(expected);
        if (expected >= 0) return;
        spoiled++;
        expect(drops.of('ip-fragment-overlap')).toBeGreaterThan(0);
        expect(reassembly.usedBytes).toBe(128);
      },
    ),
    { numRuns: 400, seed: 2 },
  );
  expect(spoiled).toBeGreaterThan(100);
});

it('stores a limited number of datagrams; the oldest is evicted', () => {
  const { reassembly, drops } = create({ reassemblies: 2 });
  const whole = patternBytes(16);
  for (const key of ['a', 'b', 'c'])
    reassembly.insert(pieceOf(whole, { start: 0, end: 8 }, key), 0);
  expect(reassembly.size).toBe(2);
  expect(drops.of('ip-fragment-memory')).toBe(1);
  const rest = { start: 8, end: 16 };
  expect(reassembly.insert(pieceOf(whole, rest, 'b'), 0)).toBeDefined();
  expect(reassembly.insert(pieceOf(whole, rest, 'a'), 0)).toBeUndefined();
});

it('stores a limited number of bytes, whatever arrives', () => {
  const { reassembly, drops } = create({ reassemblyBytes: 5000 });
  const whole = patternBytes(4096);
  for (let count = 0; count < 200; count++) {
    const start = (count * 8) % 4000;
    reassembly.insert(pieceOf(whole, { start, end: start + 8 }, `k${count % 50}`), 0);
    expect(reassembly.usedBytes).toBeLessThanOrEqual(5000);
  }
  // Each fragment and each datagram counts 128 bytes in addition to its content.
  expect(reassembly.size).toBeLessThanOrEqual(5000 / (8 + 256));
  expect(drops.of('ip-fragment-memory')).toBeGreaterThan(100);
});

it('refuses a datagram of more than 128 fragments', () => {
  const { reassembly, drops } = create();
  const whole = patternBytes(2000);
  for (let count = 0; count < 130; count++) {
    reassembly.insert(pieceOf(whole, { start: count * 8, end: count * 8 + 8 }), 0);
  }
  expect(drops.of('ip-fragment-count')).toBe(2);
  expect(reassembly.usedBytes).toBe(128);
});

it('starts the timeout at the first fragment to arrive, and reports each datagram in turn', () => {
  const { reassembly, drops } = create();
  const whole = patternBytes(24);
  reassembly.insert(pieceOf(whole, { start: 8, end: 16 }, 'a'), 0);
  reassembly.insert(pieceOf(whole, { start: 0, end: 8 }, 'b'), 100);
  reassembly.insert(pieceOf(whole, { start: 0, end: 8 }, 'a'), 29_999);
  expect(reassembly.nextTimeout()).toBe(30_000);
  const lost: Uint8Array[] = [];
  const tell = (first: Uint8Array) => lost.push(first);
  reassembly.expire(29_999, tell);
  expect(lost).toEqual([]);
  reassembly.expire(30_000, tell);
  expect(lost).toEqual([Uint8Array.of(1, 2, 3, ...whole.subarray(0, 8))]);
  expect([reassembly.size, reassembly.nextTimeout()]).toEqual([1, 30_100]);
  reassembly.expire(30_100, tell);
  expect(lost).toHaveLength(2);
  expect([reassembly.usedBytes, reassembly.nextTimeout()]).toEqual([0, Infinity]);
  expect(drops.of('ip-fragment-timeout')).toBe(2);
});
