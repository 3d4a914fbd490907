import type { Crypto } from '../../../src/crypto/crypto.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';

const BASE_POINT = 9;

/**
 * A Crypto that keeps references to the arrays in which it returns shared secrets and derived keys,
 * so that a test can check whether their owner has wiped them.
 */
export class SecretWatch {
  readonly crypto: Crypto;
  /** Results of dh() and hmac(), except public keys. */
  readonly #secrets: Uint8Array[] = [];
  readonly #inputs: Uint8Array[] = [];

  constructor(inner: Crypto = createNodeCrypto()) {
    this.crypto = {
      ...inner,
      dh: (privateKey, publicKey) => {
        const shared = inner.dh(privateKey, publicKey);
        if (shared !== undefined && publicKey[0] !== BASE_POINT) this.#secrets.push(shared);
        return shared;
      },
      hmac: (key, ...parts) => {
        this.#inputs.push(...parts);
        const output = inner.hmac(key, ...parts);
        this.#secrets.push(output);
        return output;
      },
    };
  }

  /** The number of secrets returned. */
  get count(): number {
    return this.#secrets.length;
  }

  /** The number of secrets that are not wiped. */
  get unwiped(): number {
    return this.#secrets.filter((bytes) => bytes.some((byte) => byte !== 0)).length;
  }

  /** The array with these bytes that was mixed into a key. */
  input(bytes: Uint8Array): Uint8Array | undefined {
    return this.#inputs.find((input) => Buffer.compare(input, bytes) === 0);
  }
}
