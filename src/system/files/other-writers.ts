/**
 * Finds other users who can change the file at a path. Like sshd(8) with StrictModes, this code
 * checks every folder up to the root, because a folder's owner can rename and replace it.
 */
import type { Stats } from 'node:fs';
import { access, constants, lstat, readFile, readlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import type { OtherWriter } from '../../ports/files.js';
import { codeOf } from '../../lib/errors/error-message.js';
import { isReadOnlyForAll } from './read-only-mounts.js';

const ROOT = 0;
const GROUP_AND_OTHERS_WRITE = 0o022;
const GROUP_AND_OTHERS_READ = 0o044;
export const STICKY = 0o1000;
/** The maximum number of symbolic links that Linux follows (MAXSYMLINKS). */
export const MAX_LINKS = 40;
/** Matches folders of inherited descriptors, whose links are not necessarily paths. */
const INHERITED = /^\/proc\/(?:\d+|self|thread-self)(?:\/task\/\d+)?\/fd$/;

export interface InspectionPorts {
  /** The effective user ID; undefined on a system without user IDs, on which nothing is checked. */
  readonly user: number | undefined;
  /** Whether no process on this machine can write to the path. */
  readonly isReadOnly: (path: string) => Promise<boolean>;
}

export const systemInspection: InspectionPorts = {
  user: process.geteuid?.(),
  isReadOnly: async (path) => {
    // On Linux, a mount may be read-only for this process but not for others.
    if (process.platform !== 'linux') return isReadOnlyHere(path);
    const [mounts, ours, first] = await Promise.all([
      readFile('/proc/self/mountinfo', 'utf8').catch(() => ''),
      readlink('/proc/self/ns/mnt').catch(() => undefined),
      readlink('/proc/1/ns/mnt').catch(() => undefined),
    ]);
    return isReadOnlyForAll(path, mounts, { isWholeMachine: ours !== undefined && ours === first });
  },
};

/**
 * Finds the users, except the current one and root, who can change or replace the file.
 * @param opened the stats of the descriptor that was read, to compare with the path
 */
export async function findOtherWriters(
  path: string,
  opened: Stats,
  { user, isReadOnly }: InspectionPorts = systemInspection,
): Promise<readonly OtherWriter[]> {
  if (user === undefined) return [];
  const found: OtherWriter[] = [];
  const check = async (place: string, stats: Stats): Promise<void> => {
    const writer = otherWriter(place, stats, user);
    if (writer !== undefined && !(await isReadOnly(place))) found.push(writer);
  };
  for await (const { place, stats, isLast } of steps(path)) {
    if (!isLast) await check(place, stats);
    else if (stats === undefined) await check(place, opened);
    else if (stats.dev !== opened.dev || stats.ino !== opened.ino) {
      found.push({ path: place, fault: 'replaced' });
    } else await check(place, opened);
  }
  return found;
}

type Step =
  | { readonly place: string; readonly stats: Stats; readonly isLast: false }
  /** `stats` is undefined for an inherited descriptor. */
  | { readonly place: string; readonly stats: Stats | undefined; readonly isLast: true };

/**
 * Yields each folder, symbolic link and file in the path, in the order in which the kernel looks
 * them up.
 */
async function* steps(path: string): AsyncGenerator<Step> {
  let folder = '/';
  let rest = namesOf(resolve(path));
  let links = 0;
  yield { place: folder, stats: await lstat(folder), isLast: rest.length === 0 };
  for (;;) {
    const name = rest.shift();
    if (name === undefined) return;
    if (name === '..') {
      folder = dirname(folder);
      continue;
    }
    const place = join(folder, name);
    const stats = await lstat(place);
    if (!stats.isSymbolicLink()) {
      yield { place, stats, isLast: rest.length === 0 };
      folder = place;
      continue;
    }
    if (INHERITED.test(folder)) {
      yield { place, stats: undefined, isLast: true };
      return;
    }
    yield { place, stats, isLast: false };
    links++;
    if (links > MAX_LINKS) throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
    const target = await readlink(place);
    if (target.startsWith('/')) folder = '/';
    rest = [...namesOf(target), ...rest];
  }
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function otherWriter(path: string, stats: Stats, user: number): OtherWriter | undefined {
  const isFolder = stats.isDirectory();
  if (stats.uid !== ROOT && stats.uid !== user) {
    return { path, fault: 'owner', isFolder, owner: stats.uid, user };
  }
  // A link's mode has no meaning, and in a sticky folder only owners can rename and remove entries.
  const isOpen = (stats.mode & GROUP_AND_OTHERS_WRITE) !== 0;
  if (!isOpen || stats.isSymbolicLink() || (isFolder && (stats.mode & STICKY) !== 0)) {
    return undefined;
  }
  return { path, fault: 'mode', isFolder, mode: stats.mode & 0o7777 };
}

/** Returns the mode of a file that others can read, if this user can change the mode. */
export async function readableMode(
  path: string,
  opened: Stats,
  user = process.geteuid?.(),
): Promise<number | undefined> {
  const isOurs = user === ROOT || opened.uid === user;
  const isReadable = opened.isFile() && (opened.mode & GROUP_AND_OTHERS_READ) !== 0;
  if (user === undefined || !isOurs || !isReadable || (await isReadOnlyHere(path)))
    return undefined;
  return opened.mode & 0o7777;
}

/** Uses access(2), which detects a read-only file system before it checks the mode. */
async function isReadOnlyHere(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK);
    return false;
  } catch (error) {
    return codeOf(error) === 'EROFS';
  }
}
