import type { Crypto } from '../../src/crypto/crypto.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { createSodiumCrypto } from '../../src/crypto/sodium.js';

const sodium = await createSodiumCrypto();

/** All backends that load on this machine; sodium-native is an optional dependency. */
export const CRYPTO_BACKENDS: readonly Crypto[] = [
  createNodeCrypto(),
  ...(sodium === undefined ? [] : [sodium]),
];
