/** Noise's HKDF (Noise Protocol Framework, revision 34, 4.3): KDF_n of the whitepaper (§5.4). */
import type { Crypto } from '../../crypto/crypto.js';

const ONE = Uint8Array.of(1);
const TWO = Uint8Array.of(2);
const THREE = Uint8Array.of(3);

export function hkdf2(
  crypto: Crypto,
  chainingKey: Uint8Array,
  input: Uint8Array,
): [Uint8Array, Uint8Array] {
  const temp = crypto.hmac(chainingKey, input);
  const first = crypto.hmac(temp, ONE);
  const second = crypto.hmac(temp, first, TWO);
  temp.fill(0);
  return [first, second];
}

export function hkdf3(
  crypto: Crypto,
  chainingKey: Uint8Array,
  input: Uint8Array,
): [Uint8Array, Uint8Array, Uint8Array] {
  const temp = crypto.hmac(chainingKey, input);
  const first = crypto.hmac(temp, ONE);
  const second = crypto.hmac(temp, first, TWO);
  const third = crypto.hmac(temp, second, THREE);
  temp.fill(0);
  return [first, second, third];
}
