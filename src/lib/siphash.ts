/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012), a small keyed hash. Use it for values that an
 * attacker must not predict or cause to collide: initial sequence numbers and port offsets. 64-bit
 * words are pairs of int32, low word first, because a BigInt would allocate memory.
 */
import type { Entropy } from '../ports/entropy.js';

export const SIPHASH_KEY_LENGTH = 16;

/** Returns an unpredictable key. */
export function randomSipHashKey(entropy: Entropy): Uint8Array {
  const key = new Uint8Array(SIPHASH_KEY_LENGTH);
  entropy.fill(key);
  return key;
}

/**
 * The state words v0 to v3 of the hash that is being computed, each with its low word first. All
 * hashes share this memory, because hash() is synchronous.
 */
const v = new Int32Array(8);

export class SipHash {
  /** The key as four int32 words: k0 low, k0 high, k1 low, k1 high. */
  readonly #key: readonly number[];
  #high = 0;

  /** @param key 16 bytes, which are copied */
  constructor(key: Uint8Array) {
    if (key.length !== SIPHASH_KEY_LENGTH)
      throw new RangeError('a SipHash key must be 16 bytes long');
    this.#key = Array.from({ length: 4 }, (_, index) => readInt32(key, index * 4));
  }

  /** The high word of the last hash, as an int32. */
  get high(): number {
    return this.#high;
  }

  /** Hashes `message` and returns the low 32 bits of the result, as an int32. */
  hash(message: Uint8Array): number {
    const key = this.#key;
    v.set(INITIAL);
    for (let index = 0; index < 8; index++) v[index] = v[index]! ^ key[index & 3]!;
    const whole = message.length & ~7;
    for (let offset = 0; offset < whole; offset += 8) {
      this.#compress(readInt32(message, offset), readInt32(message, offset + 4));
    }
    const last = new Uint8Array(8);
    last.set(message.subarray(whole));
    last[7] = message.length;
    this.#compress(readInt32(last, 0), readInt32(last, 4));
    v[4] = v[4]! ^ 0xff;
    for (let round = 0; round < 4; round++) this.#round();
    this.#high = v[1]! ^ v[3]! ^ v[5]! ^ v[7]!;
    return v[0]! ^ v[2]! ^ v[4] ^ v[6]!;
  }

  #compress(low: number, high: number): void {
    v[6] = v[6]! ^ low;
    v[7] = v[7]! ^ high;
    this.#round();
    this.#round();
    v[0] = v[0]! ^ low;
    v[1] = v[1]! ^ high;
  }

  #round(): void {
    mix(v, 0, 2, 13);
    swap(v, 0);
    mix(v, 4, 6, 16);
    mix(v, 0, 6, 21);
    mix(v, 4, 2, 17);
    swap(v, 4);
  }
}

/** The string "somepseudorandomlygeneratedbytes", with the low half of each 64-bit word first. */
const INITIAL = [
  0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462,
];

/** Computes `v[a] += v[b]; v[b] = rotl(v[b], bits) ^ v[a]`, for `bits` below 32. */
function mix(v: Int32Array, a: number, b: number, bits: number): void {
  const low = (v[a]! >>> 0) + (v[b]! >>> 0);
  v[a + 1] = v[a + 1]! + v[b + 1]! + (low > 0xffffffff ? 1 : 0);
  v[a] = low;
  const bLow = v[b]!;
  const bHigh = v[b + 1]!;
  v[b] = ((bLow << bits) | (bHigh >>> (32 - bits))) ^ v[a];
  v[b + 1] = ((bHigh << bits) | (bLow >>> (32 - bits))) ^ v[a + 1]!;
}

/** Rotates the 64-bit word at `index` by 32 bits. */
function swap(v: Int32Array, index: number): void {
  const low = v[index]!;
  v[index] = v[index + 1]!;
  v[index + 1] = low;
}

function readInt32(bytes: Uint8Array, offset: number): number {
  return (
    bytes[offset]! |
    (bytes[offset + 1]! << 8) |
    (bytes[offset + 2]! << 16) |
    (bytes[offset + 3]! << 24)
  );
}
