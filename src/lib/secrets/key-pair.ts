import type { Entropy } from '../../ports/entropy.js';
import type { Secret } from './secret.js';

/** A static X25519 key pair of two 32-byte keys. */
export interface KeyPair {
  readonly privateKey: Secret<Uint8Array>;
  readonly publicKey: Uint8Array;
}

/** Creates a random X25519 private key, clamped (RFC 7748 5). */
export function createPrivateKey(entropy: Entropy): Uint8Array {
  const key = new Uint8Array(32);
  entropy.fill(key);
  key[0] = key[0]! & 248;
  key[31] = (key[31]! & 127) | 64;
  return key;
}
