import {
  sequenceAdd,
  sequenceAtOrBefore,
  sequenceBefore,
  sequenceDistance,
  sequenceMax,
} from '../../src/lib/sequence-number.js';

it.each([0, 1, 0x7fff_fff0, 0x7fff_ffff, -1, -0x8000_0000])('orders around %d', (base) => {
  const later = sequenceAdd(base, 100);
  expect(later | 0).toBe(later);
  expect(sequenceDistance(base, later)).toBe(100);
  expect(sequenceDistance(later, base)).toBe(-100);
  expect(sequenceBefore(base, later)).toBe(true);
  expect(sequenceBefore(later, base)).toBe(false);
  expect(sequenceBefore(base, base)).toBe(false);
  expect(sequenceAtOrBefore(base, base)).toBe(true);
  expect(sequenceAtOrBefore(later, base)).toBe(false);
  expect(sequenceMax(base, later)).toBe(later);
  expect(sequenceMax(later, base)).toBe(later);
  expect(sequenceAdd(later, -100)).toBe(base);
});
