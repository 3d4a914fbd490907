import { x25519 as noble } from '@noble/curves/ed25519.js';
import { x25519 } from '../../src/crypto/x25519.js';
import { seededBytes } from '../support/seeded-entropy.js';

it('agrees with noble on random keys', () => {
  for (let seed = 0; seed < 20; seed++) {
    const [privateKey, publicKey] = [seededBytes(seed, 32), seededBytes(seed + 100, 32)];
    expect(x25519(privateKey, publicKey)).toEqual(noble.getSharedSecret(privateKey, publicKey));
  }
});

it('is the public key where the point is the base point (RFC 7748 6.1)', () => {
  const privateKey = seededBytes(1, 32);
  const basePoint = Uint8Array.of(9, ...new Uint8Array(31));
  expect(x25519(privateKey, basePoint)).toEqual(noble.getPublicKey(privateKey));
});

it('takes keys of 32 bytes alone', () => {
  expect(() => x25519(new Uint8Array(31), seededBytes(1, 32))).toThrow(RangeError);
  expect(() => x25519(seededBytes(1, 32), new Uint8Array(33))).toThrow(RangeError);
});
