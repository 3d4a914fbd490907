/** Folders that arctun makes for itself. */
import {
  closeSync,
  constants,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';

import { codeOf } from '../../lib/errors/error-message.js';

/**
 * Makes a folder that only its owner can enter, and those above it that are missing, and syncs them.
 * Made by root, each belongs to the owner of the folder that it is in: a run as root leaves a user
 * no folder in their home that they cannot write to.
 *
 * Not mkdir's own recursion, which says ENOENT of a file system that is read-only.
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
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && isFolder(folder)) return;
    throw error;
  }
  if (process.geteuid?.() === 0) giveTo(folder, statSync(dirname(folder)));
  // A folder is no more than a promise until its parent is on the disk.
  syncFolderNow(dirname(folder));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** By a descriptor and not through a link: what the owner has put in the folder's place stays. */
function giveTo(folder: string, { uid, gid }: Stats): void {
  try {
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    const descriptor = openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      fchownSync(descriptor, uid, gid);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // A user namespace may not know the owner, and some file systems have none.
  }
}

/** As in files.ts: a folder that cannot be opened or synced says nothing about what is in it. */
export function syncFolderNow(folder: string): void {
  try {
    const descriptor = openSync(folder, constants.O_RDONLY);
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (codeOf(error) === 'EIO') throw error;
  }
}
