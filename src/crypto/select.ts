import type { Crypto } from './crypto.js';
import { createNodeCrypto } from './node.js';
import { createSodiumCrypto } from './sodium.js';

/** The fastest backend that works here: sodium-native where it loads, else node:crypto. */
export async function selectCrypto(): Promise<Crypto> {
  return (await createSodiumCrypto()) ?? createNodeCrypto();
}
