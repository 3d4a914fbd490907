import { x25519 } from '@noble/curves/ed25519.js';

/**
 * The public key of an X25519 private key, by an audited library in JavaScript: for key pairs that
 * are made, shown or compared. It leaves the private key behind in numbers and strings that cannot
 * be wiped, so that a tunnel takes Crypto.publicKey.
 */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  return x25519.getPublicKey(privateKey);
}
