import type { Crypto } from '../../src/crypto/crypto.js';
import type { KnownSecrets } from './exposure.js';

const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));

/** A Crypto that registers all private keys and derived secrets. */
export function watchedCrypto(crypto: Crypto, secrets: KnownSecrets): Crypto {
  return {
    ...crypto,
    publicKey(privateKey) {
      secrets.add('private key', privateKey);
      return crypto.publicKey(privateKey);
    },
    dh(privateKey, publicKey) {
      secrets.add('private key', privateKey);
      const shared = crypto.dh(privateKey, publicKey);
      // With the base point the result is the public key.
      const isSecret = Buffer.compare(publicKey, BASE_POINT) !== 0;
      if (isSecret && shared !== undefined) secrets.add('shared secret', shared);
      return shared;
    },
    hmac(key, ...parts) {
      const output = crypto.hmac(key, ...parts);
      secrets.add('key of the handshake', output);
      return output;
    },
    transportKey(key) {
      secrets.add('transport key', key);
      return crypto.transportKey(key);
    },
  };
}
