import type { Crypto } from '../../src/crypto/crypto.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { createSodiumCrypto } from '../../src/crypto/sodium.js';
import { describeCrypto } from '../support/crypto-contract.js';
import {
  describeAgreementOnPackets,
  LONGEST,
  randomParts,
  wrongOnes,
} from '../support/packet-agreement.js';
import { atLength } from '../support/runner/tier.js';

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
    describeAgreementOnPackets(sodium, createNodeCrypto());
  });
}

/** Seeds of hashes, and of points of the curve. */
const HASHES = atLength({ short: 30, long: 300 });
const POINTS = atLength({ short: 10, long: 100 });

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
