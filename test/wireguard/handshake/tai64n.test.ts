import { compareTimestamps, nextTimestamp } from '../../../src/wireguard/handshake/tai64n.js';
import { fromHex, toHex } from '../../support/hex.js';

const STEP = 2 ** 24;

it.each([
  [0, '400000000000000a00000000'],
  // 500 ms are 29 steps of 2^24 ns and a bit.
  [1_500, '400000000000000b1d000000'],
  // 2026-11-25T00:00:00Z, 1795564810 in hexadecimal
  [1_795_564_800_000, '400000006b06250a00000000'],
  [16, '400000000000000a00000000'],
  [17, '400000000000000a01000000'],
  [2 ** 32 * 1000, '400000010000000a00000000'],
  [-5, '400000000000000a00000000'],
])('encodes %i ms rounded down to 2^24 ns', (unix, expected) => {
  expect(toHex(nextTimestamp(unix))).toBe(expected);
});

it('sorts bytewise', () => {
  const [early, late] = [nextTimestamp(1_000), nextTimestamp(2_000)];
  expect(compareTimestamps(early, late)).toBeLessThan(0);
  expect(compareTimestamps(late, early)).toBeGreaterThan(0);
  expect(compareTimestamps(late, late.slice())).toBe(0);
});

it('increases if the wall clock stands still or steps back', () => {
  let previous = nextTimestamp(5_000_000_000_000);
  for (const unix of [5_000_000_000_000, 4_999_999_000_000, 0, 0, 0]) {
    const next = nextTimestamp(unix, previous);
    expect(compareTimestamps(next, previous)).toBeGreaterThan(0);
    previous = next;
  }
});

it('advances by one step, and carries into the next second', () => {
  let stamp = nextTimestamp(1_000);
  for (let step = 1; step <= 59; step++) stamp = nextTimestamp(0, stamp);
  expect(toHex(stamp)).toBe('400000000000000b' + (59 * STEP).toString(16).padStart(8, '0'));
  expect(toHex(nextTimestamp(0, stamp))).toBe('400000000000000c00000000');
});

it('carries into the upper word', () => {
  const last = nextTimestamp((2 ** 32 - 11) * 1_000 + 999);
  expect(toHex(last)).toBe('40000000ffffffff3b000000');
  expect(toHex(nextTimestamp(0, last))).toBe('400000010000000000000000');
});

it.each([
  ['400000000000000a01000005', '400000000000000a02000000'],
  ['40000000ffffffff00000000', '40000000ffffffff01000000'],
])('advances from %s to the next step', (previous, expected) => {
  expect(toHex(nextTimestamp(0, fromHex(previous)))).toBe(expected);
});

it('uses the clock if it is ahead of the last timestamp', () => {
  expect(nextTimestamp(9_000, nextTimestamp(1_000))).toEqual(nextTimestamp(9_000));
});
