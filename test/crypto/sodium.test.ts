import type { Crypto } from '../../src/crypto/crypto.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { createSodiumCrypto } from '../../src/crypto/sodium.js';
import { describeCrypto } from '../support/crypto-contract.js';
import { seededBytes } from '../support/fakes/seeded-entropy.js';
import { atLength } from '../support/runner/tier.js';
import { openAt, sealAt } from '../support/transport-keys.js';

// An optional dependency: if it is absent, only its absence is tested.
const sodium = await createSodiumCrypto();
if (sodium === undefined) {
  it('is undefined if sodium-native is not installed', () => {
    expect(sodium).toBeUndefined();
  });
} else {
  describeCrypto('sodium-native', () => sodium);
  describe('sodium-native and node on random input', () => {
    describeAgreement(sodium);
    describeAgreementOnPackets(sodium);
  });
}

/** Longer than any packet of a tunnel. */
const LONGEST = 1_500;
/** Seeds of hashes, and of points of the curve. */
const HASHES = atLength({ short: 100, long: 300 });
const POINTS = atLength({ short: 30, long: 100 });
/** Step between the lengths of two packets, so that all remainders of a 64-byte block occur. */
const STEP = atLength({ short: 7, long: 1 });

/** The first bytes of a seed's stream, in parts of the given lengths. */
function randomParts(seed: number, ...lengths: number[]): Uint8Array[] {
  const bytes = seededBytes(
    seed,
    lengths.reduce((sum, length) => sum + length, 0),
  );
  let offset = 0;
  return lengths.map((length) => bytes.slice(offset, (offset += length)));
}

/** The message with each kind of one-bit or one-byte error, at a place that depends on the seed. */
function wrongOnes(message: Uint8Array, seed: number): Uint8Array[] {
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

function describeAgreement(crypto: Crypto): void {
  const node = createNodeCrypto();

  it('reports its name', () => {
    expect(crypto.backend).toBe('sodium-native');
  });

  it('hash, hmac and mac', () => {
    for (let seed = 0; seed < HASHES; seed++) {
      const [key, first, second] = randomParts(seed, 1 + (seed % 32), seed, seed * 3) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      expect(crypto.hash(first, second)).toEqual(node.hash(first, second));
      expect(crypto.hmac(key, first, second)).toEqual(node.hmac(key, first, second));
      expect(crypto.mac(key, first, second)).toEqual(node.mac(key, first, second));
    }
  });

  it('publicKey and dh', () => {
    for (let seed = 0; seed < POINTS; seed++) {
      const [scalar, point] = randomParts(seed, 32, 32) as [Uint8Array, Uint8Array];
      expect(crypto.publicKey(scalar)).toEqual(node.publicKey(scalar));
      // Half of all points are on the twist of the curve.
      expect(crypto.dh(scalar, point)).toEqual(node.dh(scalar, point));
    }
  });

  it.each([
    ['seal', 'open', 12],
    ['sealX', 'openX', 24],
  ] as const)('%s and %s', (seal, open, nonceLength) => {
    for (let length = 0; length <= LONGEST; length += 1 + (length % 23)) {
      const [key, nonce, plaintext, data] = randomParts(
        length,
        32,
        nonceLength,
        length,
        length % 40,
      );
      const sealed = crypto[seal](key!, nonce!, plaintext!, data!);
      expect(sealed).toEqual(node[seal](key!, nonce!, plaintext!, data!));
      expect(crypto[open](key!, nonce!, sealed, data!)).toEqual(plaintext);
      expect(node[open](key!, nonce!, sealed, data!)).toEqual(plaintext);
      for (const wrong of wrongOnes(sealed, length)) {
        expect(crypto[open](key!, nonce!, wrong, data!)).toBeUndefined();
        expect(node[open](key!, nonce!, wrong, data!)).toBeUndefined();
      }
    }
  });
}

function describeAgreementOnPackets(crypto: Crypto): void {
  const node = createNodeCrypto();

  it('a transport key of each backend, for packets of every length and corrupted ones', () => {
    for (let length = 0; length <= LONGEST; length += STEP) {
      const [keyBytes, plaintext] = randomParts(length, 32, length) as [Uint8Array, Uint8Array];
      const counter = length * 0x1_0000_0001;
      const [sealer, opener] = length % 2 === 0 ? [crypto, node] : [node, crypto];
      const [sealing, opening] = [sealer.transportKey(keyBytes), opener.transportKey(keyBytes)];
      const sealed = new Uint8Array(length + 16);
      sealed.set(plaintext);
      sealAt(sealing, sealed, 0, length, counter);

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
