import type { Crypto } from '../../src/crypto/crypto.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { createSodiumCrypto } from '../../src/crypto/sodium.js';
import { describeCrypto } from '../support/crypto-contract.js';
import { seededBytes } from '../support/seeded-entropy.js';

// An optional dependency: where it is absent there is nothing to test but that.
const sodium = await createSodiumCrypto();
if (sodium === undefined) {
  it('is undefined where sodium-native is not installed', () => {
    expect(sodium).toBeUndefined();
  });
} else {
  describeCrypto('sodium-native', () => sodium);
  describe('sodium-native and node', () => describeAgreement(sodium));
}

function describeAgreement(crypto: Crypto): void {
  const node = createNodeCrypto();

  it('says what it is', () => {
    expect(crypto.backend).toBe('sodium-native');
  });

  it('seal alike for every length up to 300', () => {
    for (let length = 0; length <= 300; length++) {
      const [key, nonce] = [seededBytes(length, 32), seededBytes(length + 1, 12)];
      const [plaintext, data] = [seededBytes(length + 2, length), seededBytes(3, length % 40)];
      const sealed = crypto.seal(key, nonce, plaintext, data);
      expect(sealed).toEqual(node.seal(key, nonce, plaintext, data));
      expect(node.open(key, nonce, sealed, data)).toEqual(plaintext);
    }
  });

  it('open in place what the other has sealed', () => {
    for (let counter = 0; counter < 200; counter++) {
      const key = seededBytes(counter, 32);
      const buffer = new Uint8Array(counter * 7 + 16);
      const plaintext = seededBytes(counter, counter * 7);
      buffer.set(plaintext);
      const [sealer, opener] = counter % 2 === 0 ? [crypto, node] : [node, crypto];
      sealer.transportKey(key).seal(buffer, 0, plaintext.length, counter);
      expect(opener.transportKey(key).open(buffer, 0, buffer.length, counter)).toBe(true);
      expect(buffer.subarray(0, plaintext.length)).toEqual(plaintext);
    }
  });
}
