/**
 * X25519 (RFC 7748) by node:crypto: a DH costs 0.04 ms there, and 1 ms (33 ms in a cold process)
 * in JavaScript, which would also leave the private key behind in BigInts and strings. node:crypto
 * takes keys as objects only, and making one is dearer than using it, so that objects are kept for
 * as long as the caller's array lives, or until it is forgotten.
 */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { copySecret, secretBytes } from '../lib/secrets/secret-bytes.js';
import { sameBytes } from '../lib/same-bytes.js';

const KEY_LENGTH = 32;

/** The public key of k is X25519(k, 9) (RFC 7748 6.1). */
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));

/** DER in front of the key: PrivateKeyInfo with id-X25519 (RFC 8410 section 7). */
const PKCS8_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
]);

/** Key objects by the array that they were made from. */
class KeyObjects {
  readonly #entries = new WeakMap<Uint8Array, { bytes: Uint8Array; object: KeyObject }>();
  readonly #create: (bytes: Uint8Array) => KeyObject;

  constructor(create: (bytes: Uint8Array) => KeyObject) {
    this.#create = create;
  }

  get(key: Uint8Array): KeyObject {
    const known = this.#entries.get(key);
    // The array may have been wiped and filled with another key since.
    if (known !== undefined && sameBytes(known.bytes, key)) return known.object;
    this.forget(key);
    const object = this.#create(key);
    this.#entries.set(key, { bytes: copySecret(key), object });
    return object;
  }

  /** OpenSSL overwrites its own copy when the object is collected. */
  forget(key: Uint8Array): void {
    this.#entries.get(key)?.bytes.fill(0);
    this.#entries.delete(key);
  }
}

function requireKey(key: Uint8Array): void {
  if (key.length !== KEY_LENGTH) throw new RangeError('an X25519 key is 32 bytes');
}

// Importing DER costs 0.4 ms and importing a JWK a tenth of that, but a JWK is made of strings, which
// cannot be wiped: nothing for a private key.
function importPrivateKey(bytes: Uint8Array): KeyObject {
  requireKey(bytes);
  const der = secretBytes(PKCS8_PREFIX.length + KEY_LENGTH);
  der.set(PKCS8_PREFIX);
  der.set(bytes, PKCS8_PREFIX.length);
  const key = Buffer.from(der.buffer);
  const object = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return object;
}

function importPublicKey(bytes: Uint8Array): KeyObject {
  requireKey(bytes);
  const x = Buffer.from(bytes).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
}

const privateKeys = new KeyObjects(importPrivateKey);
const publicKeys = new KeyObjects(importPublicKey);

/** The shared secret, or undefined where it is all zeros: OpenSSL refuses to give that one out. */
export function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  return sharedSecret(privateKeys.get(privateKey), publicKeys.get(publicKey));
}

/** The public key of `privateKey`, of which nothing is kept. */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array {
  return sharedSecret(importPrivateKey(privateKey), publicKeys.get(BASE_POINT))!;
}

/** Overwrites a private key, and the copy of it that x25519() has kept. */
export function forgetPrivateKey(privateKey: Uint8Array): void {
  privateKeys.forget(privateKey);
  privateKey.fill(0);
}

function sharedSecret(privateKey: KeyObject, publicKey: KeyObject): Uint8Array | undefined {
  try {
    const shared = diffieHellman({ privateKey, publicKey });
    // Its own bytes: a copy would leave them to be found.
    return new Uint8Array(shared.buffer, shared.byteOffset, shared.length);
  } catch {
    return undefined;
  }
}
