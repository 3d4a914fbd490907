/** Creates folders for arctun's own files. */
import fs from 'node:fs';
import { dirname } from 'node:path';

import { codeOf } from '../../lib/errors/error-message.js';

/**
 * Creates a folder that only its owner can enter, and its missing parents, and syncs them. If this
 * process runs as root, a new folder gets the same owner as its parent, so that users can write to
 * all folders in their home.
 *
 * mkdir's recursive mode is not used, because it reports ENOENT on a read-only file system.
 *
 * @throws Error with the system's `code`
 */
export function createFolders(folder: string): void {
  try {
    createFolder(folder);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    createFolders(dirname(folder));
    createFolder(folder);
  }
}

function createFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && isFolder(folder)) return;
    throw error;
  }
  if (process.geteuid?.() === 0) giveTo(folder, fs.statSync(dirname(folder)));
  // A new folder is durable only after its parent is synced.
  syncFolderNow(dirname(folder));
}

function isFolder(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * Opens the folder without following links: if a file has replaced it, the file stays unchanged.
 */
function giveTo(folder: string, { uid, gid }: fs.Stats): void {
  try {
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
    const descriptor = fs.openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      fs.fchownSync(descriptor, uid, gid);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    // Ignore an error: the owner may not exist in this user namespace, and some file systems do not
    // store owners.
  }
}

/** Syncs a folder. As in files.ts, only a disk error is a failure. */
export function syncFolderNow(folder: string): void {
  try {
    const descriptor = fs.openSync(folder, fs.constants.O_RDONLY);
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch (error) {
    if (codeOf(error) === 'EIO') throw error;
  }
}
