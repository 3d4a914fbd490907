/** The ESLint plugin that checks words. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

import { noIdiom } from './no-idiom.js';

/**
 * A hash of this folder. ESLint's cache depends on the version of a plugin, but not on the files
 * that the plugin imports, so a constant version would hide new hits.
 */
function contentHash() {
  const hash = createHash('sha256');
  for (const name of readdirSync(import.meta.dirname).sort()) {
    hash.update(`${name}\0`).update(readFileSync(new URL(name, import.meta.url)));
  }
  return hash.digest('hex').slice(0, 16);
}

export const words = {
  meta: { name: 'words', version: contentHash() },
  rules: { 'no-idiom': noIdiom },
};
