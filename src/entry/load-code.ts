/** Machine code in memory, which the dynamic linker reads from a file alone. */
import { randomBytes } from 'node:crypto';
import { lstatSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { messageOf } from '../lib/errors/error-message.js';

/**
 * Writes the code under a random name, loads it, and removes the file at once: no later process finds code there.
 *
 * @param folders in the order in which they are tried; a mount with `noexec` refuses code, and the next one may not
 * @param load what loads a file
 * @throws Error with the reasons, if no folder takes a file that code can be loaded from
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
      // What is checked is what is used: a link on the way could lead elsewhere the next time.
      const real = realpathSync(folder);
      requireSafe(real);
      return loadFrom(join(real, `.arctun-${randomBytes(8).toString('hex')}.node`), bytes, load);
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw new Error(`cannot unpack ${name}: ${reasons.join('; ')}`);
}

/** @throws Error if another user could put a file of theirs in the place of ours, or a folder in that of this one */
function requireSafe(folder: string): void {
  const { mode, uid } = lstatSync(folder);
  // In a folder with the sticky bit, only its owner and that of an entry can rename the entry.
  const isSticky = (mode & 0o1000) !== 0;
  const isOthers = uid !== 0 && uid !== process.geteuid?.();
  if (isOthers || ((mode & 0o022) !== 0 && !isSticky)) {
    throw new Error(`other users can change what is in ${folder}`);
  }
  const parent = dirname(folder);
  if (parent !== folder) requireSafe(parent);
}

function loadFrom<Loaded>(path: string, bytes: Uint8Array, load: (path: string) => Loaded): Loaded {
  try {
    // `wx`: fails if there is anything at the path, a link too.
    writeFileSync(path, bytes, { flag: 'wx', mode: 0o600 });
    return load(path);
  } finally {
    // A full disk leaves a part of it. Its name is random: no other file has it.
    rmSync(path, { force: true });
  }
}
