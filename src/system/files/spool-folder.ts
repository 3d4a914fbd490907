/** Implements the folder of a spool. */
import fs from 'node:fs/promises';
import { constants } from 'node:fs';
import { join, resolve } from 'node:path';

import { codeOf } from '../../lib/errors/error-message.js';
import { FileError } from '../../ports/files.js';
import type { SpoolAccess, SpoolFolder } from '../../ports/stores/spool-folder.js';
import { createFolders } from './folders.js';
import { failingWith, syncFolder, withHandle } from './files.js';

const ROOT = 0;
const PRIVATE = 0o600;
const ACCESSIBLE_BY_OTHERS = 0o077;
/** These flags do not exist on Windows. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens the folder. With the access `create`, creates it with mode 0700 if it does not exist.
 *
 * @throws FileError, also if other users can access the folder, because messages may be secret
 */
export function openSpoolFolder(
  path: string,
  access: SpoolAccess = 'create',
): Promise<SpoolFolder> {
  const folder = resolve(path);
  return failingWith(folder, async () => {
    if (access === 'create') createFolders(folder);
    const stats = await fs.stat(folder);
    if (!stats.isDirectory()) throw new FileError('no-folder', folder, 'it is not a folder');
    requireOwn(folder, stats, access);
    return new SystemSpoolFolder(folder, `${stats.dev}:${stats.ino}`);
  });
}

/**
 * Root may read the folder of another user, because read() does not follow links. Root may not
 * change it: the owner could not access the new files, and could replace the folder with a link, so
 * that root would change another folder.
 */
function requireOwn(
  path: string,
  { uid, mode }: { readonly uid: number; readonly mode: number },
  access: SpoolAccess,
): void {
  // Windows has neither user IDs nor Unix modes.
  const user = process.geteuid?.();
  if (user === undefined) return;
  const mayAccess = uid === user || (user === ROOT && access === 'read');
  if (!mayAccess) throw new FileError('denied', path, foreignFolder(uid, user));
  if ((mode & ACCESSIBLE_BY_OTHERS) === 0) return;
  const remedy = `Run: chmod 700 ${path}`;
  throw new FileError('denied', path, `other users can access the folder. ${remedy}`);
}

function foreignFolder(owner: number, user: number): string {
  const fact = `the folder belongs to user ${owner}`;
  return user === ROOT ? `${fact}. Run this command as that user: sudo -u '#${owner}'` : fact;
}

class SystemSpoolFolder implements SpoolFolder {
  readonly path: string;
  readonly identity: string;

  constructor(path: string, identity: string) {
    this.path = path;
    this.identity = identity;
  }

  list(): Promise<readonly string[]> {
    return failingWith(this.path, () => fs.readdir(this.path));
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return this.#unlessAbsent(name, undefined, async (path) =>
      withHandle(await fs.open(path, READ), (handle) => handle.readFile()),
    );
  }

  create(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.path, name);
    return failingWith(path, async () => {
      await withHandle(await fs.open(path, 'wx', PRIVATE), (handle) => handle.writeFile(bytes));
    });
  }

  sync(name: string): Promise<void> {
    const path = join(this.path, name);
    return failingWith(path, async () => {
      await withHandle(await fs.open(path, 'r+'), (handle) => handle.sync());
    });
  }

  rename(from: string, to: string): Promise<boolean> {
    return this.#unlessAbsent(from, false, async (path) => {
      await fs.rename(path, join(this.path, to));
      return true;
    });
  }

  remove(name: string): Promise<boolean> {
    return this.#unlessAbsent(name, false, async (path) => {
      await fs.unlink(path);
      return true;
    });
  }

  syncNames(): Promise<void> {
    return failingWith(this.path, () => syncFolder(this.path));
  }

  #unlessAbsent<T>(name: string, absent: T, action: (path: string) => Promise<T>): Promise<T> {
    const path = join(this.path, name);
    return failingWith(path, () =>
      action(path).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return absent;
        throw error;
      }),
    );
  }
}
