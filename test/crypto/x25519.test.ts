import { x25519 as noble } from '@noble/curves/ed25519.js';
import { forgetPrivateKey, x25519, x25519PublicKey } from '../../src/crypto/x25519.js';
import { seededBytes } from '../support/fakes/seeded-entropy.js';

it('agrees with noble on random keys', () => {
  for (let seed = 0; seed < 20; seed++) {
    const [privateKey, publicKey] = [seededBytes(seed, 32), seededBytes(seed + 100, 32)];
    expect(x25519(privateKey, publicKey)).toEqual(noble.getSharedSecret(privateKey, publicKey));
    expect(x25519PublicKey(privateKey)).toEqual(noble.getPublicKey(privateKey));
  }
});

it('returns the public key if the point is the base point (RFC 7748 6.1)', () => {
  const privateKey = seededBytes(1, 32);
  const basePoint = Uint8Array.of(9, ...new Uint8Array(31));
  expect(x25519(privateKey, basePoint)).toEqual(x25519PublicKey(privateKey));
});

it('forgets an unknown or forgotten key without an error', () => {
  const privateKey = seededBytes(1, 32);
  forgetPrivateKey(privateKey);
  forgetPrivateKey(privateKey);
  expect(privateKey).toEqual(new Uint8Array(32));
});
