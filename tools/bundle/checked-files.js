/** Writes files that are published, with their checksums, and checks their sizes. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { limitOf } from './layer-limits.js';

/**
 * Writes the files and SHA256SUMS. If a file exceeds its size limit, the process exits with 1 at its
 * end.
 *
 * @param {string} folder
 * @param {ReadonlyMap<string, Uint8Array>} files by name
 * @param {number} mode of the files
 */
export function writeCheckedFiles(folder, files, mode) {
  mkdirSync(folder, { recursive: true });
  const lines = [...files].map(([name, bytes]) => {
    const limit = limitOf(name);
    writeFileSync(join(folder, name), bytes, { mode });
    console.log(`${join(folder, name)}: ${bytes.length} bytes, ${limit} at most`);
    if (bytes.length > limit) {
      console.error(`${name} has grown beyond its limit`);
      process.exitCode = 1;
    }
    return checksumLine(name, bytes);
  });
  writeFileSync(join(folder, 'SHA256SUMS'), lines.join(''));
}

/**
 * Returns the line of SHA256SUMS, which `sha256sum --check` reads.
 *
 * @param {string} name
 * @param {Uint8Array} bytes
 */
export function checksumLine(name, bytes) {
  return `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`;
}
