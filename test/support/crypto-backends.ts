import type { Crypto } from '../../src/crypto/crypto.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { createOpenSslCrypto } from '../../src/crypto/openssl.js';
import { createSodiumCrypto } from '../../src/crypto/sodium.js';
import { loadLibc } from '../../src/system/linux/libc.js';

const sodium = await createSodiumCrypto();
const openSsl = createOpenSslCrypto(createNodeCrypto(), await loadLibc());

/** All backends that load on this machine; sodium-native and koffi are optional dependencies. */
export const CRYPTO_BACKENDS: readonly Crypto[] = [
  createNodeCrypto(),
  ...(sodium === undefined ? [] : [sodium]),
  ...(openSsl === undefined ? [] : [openSsl]),
];
