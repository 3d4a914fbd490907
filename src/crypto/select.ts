import type { Crypto } from './crypto.js';
import { createNodeCrypto } from './node.js';
import { createOpenSslCrypto, type NativeCode } from './openssl.js';
import { createSodiumCrypto } from './sodium.js';

/**
 * Returns the fastest available backend: sodium-native if it loads, otherwise node:crypto. Packets are
 * encrypted by OpenSSL, if `native` contains it.
 */
export async function selectCrypto(native: NativeCode | undefined): Promise<Crypto> {
  const base = (await createSodiumCrypto()) ?? createNodeCrypto();
  return createOpenSslCrypto(base, native) ?? base;
}
