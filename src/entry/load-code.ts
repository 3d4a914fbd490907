/**
 * Loads native code from memory through a temporary file, because the dynamic linker needs a file.
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { messageOf } from '../lib/errors/error-message.js';

/**
 * Writes the code to a file with a random name, loads it, and deletes the file immediately, so that
 * no later process finds it.
 *
 * @param folders the folders to try, in this order; code cannot be loaded from a mount with
 * `noexec`
 * @param load loads a file
 * @throws Error with the reasons, if code cannot be loaded from a file in any folder
 */
export function loadCode<Loaded>(
  name: string,
  bytes: Uint8Array,
  folders: Iterable<string>,
  load: (path: string) => Loaded,
): Loaded {
  const reasons: string[] = [];
  for (const folder of folders) {
    try {
      // Resolve symbolic links first, so that the folder that is checked is the folder that is
      // used.
      const real = realpathSync(folder);
      requireSafe(real);
      return loadFrom(join(real, `.arctun-${randomBytes(8).toString('hex')}.node`), bytes, load);
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw new Error(`cannot unpack ${name}: ${reasons.join('; ')}`);
}

/** @throws Error if another user could replace the file, or one of the folders in its path */
function requireSafe(folder: string): void {
  const { mode, uid } = lstatSync(folder);
  // In a folder with the sticky bit, only the folder's or the entry's owner can rename an entry.
  const isSticky = (mode & 0o1000) !== 0;
  const isOthers = uid !== 0 && uid !== process.geteuid?.();
  if (isOthers || ((mode & 0o022) !== 0 && !isSticky)) {
    throw new Error(`other users can change files in ${folder}`);
  }
  const parent = dirname(folder);
  if (parent !== folder) requireSafe(parent);
}

function loadFrom<Loaded>(path: string, bytes: Uint8Array, load: (path: string) => Loaded): Loaded {
  try {
    // `wx` fails if anything exists at the path, including a link.
    writeFileSync(path, bytes, { flag: 'wx', mode: 0o600 });
    return load(path);
  } finally {
    // Delete the partial file that may remain if the disk is full. No other file has the same
    // random name.
    rmSync(path, { force: true });
  }
}
