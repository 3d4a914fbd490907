import { publicKeyOf } from '../../src/crypto/key-pair.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { fromHex, toHex } from '../support/hex.js';
import { seededBytes } from '../support/fakes/seeded-entropy.js';
import { readVectors } from '../support/vectors.js';

it('computes the public keys of RFC 7748 6.1', () => {
  const { diffieHellman } = readVectors('rfc7748.json') as {
    diffieHellman: Record<string, string>;
  };
  for (const name of ['alice', 'bob']) {
    const publicKey = publicKeyOf(fromHex(diffieHellman[`${name}Private`]!));
    expect(toHex(publicKey)).toBe(diffieHellman[`${name}Public`]);
  }
});

it('agrees with the tunnel’s crypto backend', () => {
  const crypto = createNodeCrypto();
  for (let seed = 0; seed < 20; seed++) {
    const privateKey = seededBytes(seed, 32);
    expect(publicKeyOf(privateKey)).toEqual(crypto.publicKey(privateKey));
  }
});
