import { x25519 } from '@noble/curves/ed25519.js';

/**
 * Returns the public key of an X25519 private key, using an audited JavaScript library. Use this
 * only to create, show or compare key pairs: copies of the private key would remain in numbers and
 * strings, which cannot be wiped. Tunnels use Crypto.publicKey instead.
 */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  return x25519.getPublicKey(privateKey);
}
