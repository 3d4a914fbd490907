import { sequenceAdd } from '../../../../src/lib/sequence-number.js';
import { MAXIMUM_RANGES, Reassembly } from '../../../../src/netstack/tcp/receive/reassembly.js';
import { seededRandom } from '../../../support/pairs/netstack-pair.js';

it.each([0, 0x7fff_ffc0, -50])('agrees with a set of octets, starting at %d', (base) => {
  const random = seededRandom(21);
  for (let round = 0; round < 200; round++) {
    const ranges = new Reassembly();
    const held = new Set<number>();
    for (let count = 0; count < 12; count++) {
      const start = 1 + Math.floor(random() * 100);
      const end = start + 1 + Math.floor(random() * 20);
      ranges.insert(sequenceAdd(base, start), sequenceAdd(base, end));
      for (let octet = start; octet < end; octet++) held.add(octet);
    }
    let pieces = 0;
    for (const octet of held) if (!held.has(octet - 1)) pieces++;
    expect(ranges.size).toBe(pieces);
    const next = Math.floor(random() * 100);
    let reached = next;
    while (held.has(reached)) reached++;
    expect(ranges.advance(sequenceAdd(base, next))).toBe(sequenceAdd(base, reached));
    // Octets before this point are forgotten, and the rest is kept.
    const starts = [...held].filter((octet) => octet > reached && !held.has(octet - 1));
    starts.sort((left, right) => left - right);
    expect(ranges.size).toBe(starts.length);
    expect(starts.map((_, index) => ranges.startAt(index))).toEqual(
      starts.map((start) => sequenceAdd(base, start)),
    );
  }
});

it('refuses one range too many, but still extends existing ones', () => {
  const ranges = new Reassembly();
  for (let count = 0; count < MAXIMUM_RANGES; count++) {
    expect(ranges.insert(count * 10, count * 10 + 1)).toBe(true);
  }
  expect(ranges.insert(5, 6)).toBe(false);
  expect(ranges.insert(1, 3)).toBe(true);
  expect(ranges.size).toBe(MAXIMUM_RANGES);
  ranges.clear();
  expect(ranges.size).toBe(0);
});

it('finds the range that contains an octet', () => {
  const edge = 0x7fff_fff0;
  const ranges = new Reassembly();
  ranges.insert(edge, sequenceAdd(edge, 32));
  ranges.insert(sequenceAdd(edge, 50), sequenceAdd(edge, 60));
  const found = [-1, 0, 31, 32, 49, 50, 59, 60].map((at) => ranges.find(sequenceAdd(edge, at)));
  expect(found).toEqual([-1, 0, 0, -1, -1, 1, 1, -1]);
  expect([ranges.startAt(1), ranges.endAt(0)]).toEqual([
    sequenceAdd(edge, 50),
    sequenceAdd(edge, 32),
  ]);
});
