/** Compares the packets of two backends, for random keys, counters and lengths. */
import type { Crypto } from '../../src/crypto/crypto.js';
import { seededBytes } from './fakes/seeded-entropy.js';
import { atLength } from './runner/tier.js';
import { openAt } from './transport-keys.js';

/** Longer than any packet of a tunnel. */
export const LONGEST = 1_500;
/** Step between the lengths of two packets, so that all remainders of a 64-byte block occur. */
const STEP = atLength({ short: 7, long: 1 });

/** The first bytes of a seed's stream, in parts of the given lengths. */
export function randomParts(seed: number, ...lengths: number[]): Uint8Array[] {
  const bytes = seededBytes(
    seed,
    lengths.reduce((sum, length) => sum + length, 0),
  );
  let offset = 0;
  return lengths.map((length) => bytes.slice(offset, (offset += length)));
}

/** The message with each kind of one-bit or one-byte error, at a place that depends on the seed. */
export function wrongOnes(message: Uint8Array, seed: number): Uint8Array[] {
  const [flip, cut] = seededBytes(seed, 2) as unknown as [number, number];
  const flipped = message.slice();
  flipped[(flip * 7) % message.length]! ^= 1 << (flip % 8);
  const badTag = message.slice();
  badTag[message.length - 1 - (cut % 16)]! ^= 1 << (cut % 8);
  return [
    flipped,
    badTag,
    message.slice(0, -1),
    message.slice(0, cut % message.length),
    message.slice(1),
    Uint8Array.of(...message, 0),
  ];
}

export function describeAgreementOnPackets(crypto: Crypto, other: Crypto): void {
  it('a transport key of each backend, for packets of every length and corrupted ones', () => {
    for (let length = 0; length <= LONGEST; length += STEP) {
      const [keyBytes, plaintext] = randomParts(length, 32, length) as [Uint8Array, Uint8Array];
      const counter = length * 0x1_0000_0001;
      const [sealer, opener] = length % 2 === 0 ? [crypto, other] : [other, crypto];
      const [sealing, opening] = [sealer.transportKey(keyBytes), opener.transportKey(keyBytes)];
      const sealed = new Uint8Array(length + 16);
      sealed.set(plaintext);
      sealing.seal(sealed, 0, length, counter);

      const opened = sealed.slice();
      expect(openAt(opening, opened, 0, opened.length, counter)).toBe(true);
      expect(Buffer.compare(opened.subarray(0, length), plaintext)).toBe(0);
      for (const wrong of wrongOnes(sealed, length)) {
        expect(openAt(opening, wrong.slice(), 0, wrong.length, counter)).toBe(false);
        expect(openAt(sealing, wrong.slice(), 0, wrong.length, counter)).toBe(false);
      }
      expect(openAt(opening, sealed.slice(), 0, sealed.length, counter + 1)).toBe(false);
    }
  });
}
