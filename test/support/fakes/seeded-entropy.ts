import type { Entropy } from '../../../src/ports/entropy.js';

/** Deterministic bytes from a seed (mulberry32), only for tests. */
export function seededEntropy(seed: number): Entropy {
  let state = seed >>> 0;
  return {
    fill(bytes) {
      for (let index = 0; index < bytes.length; index++) {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        bytes[index] = (mixed ^ (mixed >>> 14)) >>> 24;
      }
    },
  };
}

/** Returns `length` deterministic bytes from a seed. */
export function seededBytes(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  seededEntropy(seed).fill(bytes);
  return bytes;
}
