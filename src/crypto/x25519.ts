/**
 * X25519 (RFC 7748) with node:crypto. A DH takes 0.04 ms. In JavaScript, it would take 1 ms (33 ms
 * in a cold process), and the private key would remain in BigInts and strings. node:crypto accepts
 * keys only as objects, and creating a key object takes longer than using it. Key objects are
 * therefore cached until the caller's array is garbage-collected or forgotten.
 */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { copySecret, secretBytes } from '../lib/secrets/secret-bytes.js';
import { sameBytes } from '../lib/same-bytes.js';

export const KEY_LENGTH = 32;

/** The X25519 base point. The public key of k is X25519(k, 9) (RFC 7748 6.1). */
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));

/** The DER bytes before the key: PrivateKeyInfo with id-X25519 (RFC 8410 section 7). */
const PKCS8_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
]);

/** A cache of key objects, keyed by the array from which each was created. */
class KeyObjects {
  readonly #entries = new WeakMap<Uint8Array, { bytes: Uint8Array; object: KeyObject }>();
  readonly #create: (bytes: Uint8Array) => KeyObject;

  constructor(create: (bytes: Uint8Array) => KeyObject) {
    this.#create = create;
  }

  get(key: Uint8Array): KeyObject {
    const known = this.#entries.get(key);
    // The array may have been wiped and filled with another key in the meantime.
    if (known !== undefined && sameBytes(known.bytes, key)) return known.object;
    this.forget(key);
    const object = this.#create(key);
    this.#entries.set(key, { bytes: copySecret(key), object });
    return object;
  }

  /**
   * Wipes and removes a cached key. OpenSSL wipes the copy in the key object when the object is
   * garbage-collected.
   */
  forget(key: Uint8Array): void {
    this.#entries.get(key)?.bytes.fill(0);
    this.#entries.delete(key);
  }
}

export function requireKey(key: Uint8Array): void {
  if (key.length !== KEY_LENGTH) throw new RangeError('an X25519 key must be 32 bytes long');
}

// Importing DER takes 0.4 ms, ten times as long as importing a JWK. But a JWK consists of strings,
// which cannot be wiped, so private keys are imported as DER.
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

/** Returns the shared secret; undefined if it is all zeros, which OpenSSL reports as an error. */
export function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  return sharedSecret(privateKeys.get(privateKey), publicKeys.get(publicKey));
}

/** Returns the public key of `privateKey`. The private key is not cached. */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array {
  return sharedSecret(importPrivateKey(privateKey), publicKeys.get(BASE_POINT))!;
}

/** Overwrites a private key and the copy that x25519() cached. */
export function forgetPrivateKey(privateKey: Uint8Array): void {
  privateKeys.forget(privateKey);
  privateKey.fill(0);
}

function sharedSecret(privateKey: KeyObject, publicKey: KeyObject): Uint8Array | undefined {
  try {
    const shared = diffieHellman({ privateKey, publicKey });
    // Return a view of the result. A copy would leave the original bytes in memory.
    return new Uint8Array(shared.buffer, shared.byteOffset, shared.length);
  } catch {
    return undefined;
  }
}
