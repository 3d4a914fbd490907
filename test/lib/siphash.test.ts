import { randomSipHashKey, SipHash } from '../../src/lib/siphash.js';

const KEY = Uint8Array.from({ length: 16 }, (_, index) => index);

/**
 * From the authors' vectors.h, vectors_sip64: key 00..0f, messages 00, 01, … of the given length.
 */
const KNOWN: [length: number, result: string][] = [
  [0, '310e0edd47db6f72'],
  [1, 'fd67dc93c539f874'],
  [2, '5a4fa9d909806c0d'],
  [8, '6224939a79f5f593'],
  [15, 'e545be4961ca29a1'],
];

function littleEndian(word: number): string {
  return [0, 8, 16, 24]
    .map((bits) => ((word >>> bits) & 0xff).toString(16).padStart(2, '0'))
    .join('');
}

it.each(KNOWN)('hashes %d bytes to the known answer', (length, result) => {
  const hash = new SipHash(KEY);
  const low = hash.hash(Uint8Array.from({ length }, (_, index) => index));
  expect(littleEndian(low) + littleEndian(hash.high)).toBe(result);
});

it('copies its key and requires 16 bytes', () => {
  const key = KEY.slice();
  const hash = new SipHash(key);
  key.fill(0);
  expect(littleEndian(hash.hash(new Uint8Array(0)))).toBe('310e0edd');
  expect(() => new SipHash(new Uint8Array(8))).toThrow(RangeError);
});

it('generates the whole key from the entropy source', () => {
  const entropy = { fill: (bytes: Uint8Array) => bytes.set(KEY) };
  expect(randomSipHashKey(entropy)).toEqual(KEY);
});
