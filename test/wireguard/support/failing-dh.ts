import type { Crypto } from '../../../src/crypto/crypto.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';

/**
 * A Crypto whose DH fails from a given call on, as for a point of low order. It tests code that a
 * hostile key cannot reach because an earlier check refuses it.
 */
export function failingDh(): { crypto: Crypto; failAfter: (calls: number) => void } {
  const inner = createNodeCrypto();
  let left = Infinity;
  return {
    crypto: { ...inner, dh: (...keys) => (left-- > 0 ? inner.dh(...keys) : undefined) },
    failAfter: (calls) => {
      left = calls;
    },
  };
}
