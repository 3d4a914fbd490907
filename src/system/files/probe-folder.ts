/** Checks whether files can be created in a folder. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { codeOf } from '../../lib/errors/error-message.js';
import { writeNew } from './files.js';

/** The number of bytes to write, to detect a full disk. */
const PROBE_SIZE = 4096;

/**
 * Writes a file in the folder and removes it. If the folder does not exist, does so in the nearest
 * parent that exists, in which the folder would be created.
 *
 * @returns whether the folder exists, and the system's error if no file can be created
 */
export async function tryFolder(folder: string): Promise<{ exists: boolean; fault?: Error }> {
  let place = resolve(folder);
  for (let exists = true; ; exists = false) {
    try {
      const path = join(place, `.arctun-${randomBytes(6).toString('hex')}.tmp`);
      await writeNew(path, ' '.repeat(PROBE_SIZE));
      await fs.rm(path, { force: true });
      return { exists };
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || dirname(place) === place) {
        return { exists, fault: error as Error };
      }
      place = dirname(place);
    }
  }
}

/** Sets a file's mode to 0600. @throws Error with the system's `code` */
export async function makePrivate(path: string): Promise<void> {
  await fs.chmod(path, 0o600);
}
