import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Identity } from '../../../src/wireguard/handshake/identity.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';

it('holds a copy of the private key until it is wiped', () => {
  const crypto = createNodeCrypto();
  const privateKey = seededBytes(1, 32);
  const identity = new Identity(crypto, privateKey);
  privateKey.fill(0);
  expect(identity.privateKey).toEqual(seededBytes(1, 32));
  expect(identity.publicKey).toEqual(crypto.publicKey(seededBytes(1, 32)));
  identity.wipe();
  expect(identity.privateKey).toEqual(new Uint8Array(32));
});

it('treats 32 zero bytes as no key, and other values as a key', () => {
  const last = new Uint8Array(32);
  last[31] = 1;
  const isNone = (key: Uint8Array) => new Identity(createNodeCrypto(), key).isNone;
  expect([new Uint8Array(32), last, seededBytes(1, 32)].map(isNone)).toEqual([true, false, false]);
});

it.each([0, 31, 33])('refuses a private key of %i bytes', (length) => {
  expect(() => new Identity(createNodeCrypto(), new Uint8Array(length))).toThrow(
    new RangeError('a private key must be 32 bytes long'),
  );
});
