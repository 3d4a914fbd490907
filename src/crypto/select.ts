import type { Crypto } from './crypto.js';
import { createNodeCrypto } from './node.js';
import { createSodiumCrypto } from './sodium.js';

/** Returns the fastest available backend: sodium-native if it loads, otherwise node:crypto. */
export async function selectCrypto(): Promise<Crypto> {
  return (await createSodiumCrypto()) ?? createNodeCrypto();
}
