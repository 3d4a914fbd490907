/** Writes files durably: to a temporary file in the same folder, which then replaces the target. */
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FileError, type Files, type InspectedText } from '../../ports/files.js';
import { codeOf } from '../../lib/errors/error-message.js';
import { fileFault } from '../../lib/errors/file-fault.js';
import { readLimited } from '../../lib/read-limited.js';
import { createFolders } from './folders.js';
import { findOtherWriters, MAX_LINKS, readableMode, STICKY } from './other-writers.js';
import { unescapeMount } from './read-only-mounts.js';

/** The mode of every file that contains a private key. */
const PRIVATE = 0o600;
/** The maximum file size in bytes; an arc.json is about 2 KB. */
const MAX_TEXT = 1 << 20;
/** The number of bytes to read at a time. */
const CHUNK = 1 << 16;
/** The number of bytes that the write test uses, to detect a full disk early. */
const PROBE_SIZE = 8192;

export const systemFiles: Files = {
  readText: (path) => failingWith(path, async () => (await readOpened(path)).text),
  inspectText: (path) => failingWith(path, () => inspectText(path)),
  proveWritable: (path) => failingWith(path, () => proveWritable(path)),
  replaceText: (path, text) => failingWith(path, () => replace(path, text)),
  createBytes: (path, bytes) => failingWith(path, () => createBytes(path, bytes)),
  remove: (path) => failingWith(path, () => remove(path)),
  createFolder: (folder) =>
    failingWith(folder, () => Promise.resolve().then(() => createFolders(folder))),
  list: (folder) => failingWith(folder, () => list(folder)),
  absolute: (path) => resolve(path),
};

/**
 * Access to regular files only, for callers that cannot wait: reading a pipe without a writer would
 * block forever and keep the process from exiting.
 */
export const regularFiles: Files = {
  ...systemFiles,
  readText: (path) =>
    failingWith(path, async () => {
      const found = await fs.stat(path);
      if (found.isFIFO() || found.isCharacterDevice()) {
        throw new FileError('failed', path, 'the path must be a regular file');
      }
      return (await readOpened(path)).text;
    }),
};

async function inspectText(path: string): Promise<InspectedText> {
  const { text, stats } = await readOpened(path);
  return {
    text,
    otherWriters: await findOtherWriters(path, stats),
    readableMode: await readableMode(path, stats),
  };
}

async function readOpened(path: string): Promise<{ text: string; stats: Stats }> {
  return withHandle(await fs.open(path, 'r'), async (handle) => {
    const stats = await handle.stat();
    const tooLong = () =>
      new FileError('failed', path, `the file must not be longer than ${MAX_TEXT} bytes`);
    const chunks = await readLimited(chunksOf(handle), MAX_TEXT, tooLong);
    return { text: decode(path, Buffer.concat(chunks)), stats };
  });
}

/** Reads a file or a pipe (`--config /dev/fd/3`). A stream takes 2 ms longer in a cold start. */
async function* chunksOf(handle: fs.FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK);
  for (;;) {
    const { bytesRead } = await handle.read(buffer);
    if (bytesRead === 0) return;
    // A copy, because a pipe may yield many short chunks, and each view would keep a whole buffer.
    yield buffer.slice(0, bytesRead);
  }
}

/** Uses an open file, then closes it. */
export async function withHandle<T>(
  handle: fs.FileHandle,
  use: (handle: fs.FileHandle) => Promise<T>,
): Promise<T> {
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/** Decodes strictly, because invalid bytes would be lost when the file is written again. */
function decode(path: string, bytes: Uint8Array): string {
  try {
    // Keep a byte order mark, so that the caller's parser can reject it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new FileError('not-text', path, 'the text is not valid UTF-8', { cause: error });
  }
}

async function list(folder: string): Promise<readonly string[]> {
  return (await unlessAbsent(fs.readdir(folder))) ?? [];
}

async function createBytes(path: string, bytes: Uint8Array): Promise<void> {
  await writeNew(path, bytes);
  await syncFolder(dirname(resolve(path)));
}

async function replace(path: string, content: string): Promise<void> {
  const target = await followLinks(path);
  const owner = await unlessAbsent(fs.stat(target));
  const temporary = await writeBeside(target, content, owner);
  try {
    await fs.rename(temporary, target);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(target));
}

async function remove(path: string): Promise<void> {
  const target = await followLinks(path);
  await fs.rm(target, { force: true });
  await syncFolder(dirname(target));
}

async function proveWritable(path: string): Promise<void> {
  const target = await followLinks(path);
  const existing = await unlessAbsent(fs.stat(target));
  if (existing !== undefined) await proveReplaceable(target, existing);
  const probe = await writeBeside(target, ' '.repeat(PROBE_SIZE), existing);
  await fs.rm(probe);
}

/** Checks for obstacles to rename(2) that creating a file in the same folder does not reveal. */
async function proveReplaceable(target: string, existing: Stats): Promise<void> {
  if (!existing.isFile()) throw new FileError('failed', target, 'the path must be a regular file');
  if (await isMountPoint(target)) {
    const reason =
      'the file itself is a mount point and cannot be replaced. Mount its folder instead';
    throw new FileError('failed', target, reason);
  }
  const uid = process.geteuid?.() ?? 0;
  const isOurs = uid === 0 || existing.uid === uid;
  await proveMutable(target, isOurs);
  if (isOurs) return;
  const folder = await fs.stat(dirname(target));
  if ((folder.mode & STICKY) !== 0 && folder.uid !== uid) {
    const reason = `the file belongs to user ${existing.uid}, and only owners can replace files in its folder`;
    throw new FileError('denied', target, reason);
  }
}

/**
 * Opens the target for writing, which fails for an immutable file. A mode of 0400 is not an
 * obstacle for the owner, because the file is replaced, not written to.
 */
async function proveMutable(target: string, isOurs: boolean): Promise<void> {
  try {
    await (await fs.open(target, 'r+')).close();
  } catch (error) {
    if (!(isOurs && codeOf(error) === 'EACCES')) throw error;
  }
}

/**
 * Writes and syncs a new file with `content` in the target's folder. If this process runs as root,
 * the owner of `existing` becomes the owner, so that a service can still use its file.
 *
 * @returns the path of the new file
 */
async function writeBeside(
  target: string,
  content: string,
  existing: Stats | undefined,
): Promise<string> {
  const suffix = randomBytes(6).toString('hex');
  const temporary = join(dirname(target), `.${basename(target)}.${suffix}.tmp`);
  await writeNew(temporary, content, existing);
  return temporary;
}

/**
 * Writes a new file completely, or does not leave a file behind.
 *
 * @param model a file or folder; if this process runs as root, its owner becomes the file's owner
 */
export async function writeNew(
  path: string,
  content: string | Uint8Array,
  model?: Stats,
): Promise<void> {
  // O_EXCL refuses an existing file or link with this name.
  const created = await fs.open(path, 'wx', PRIVATE);
  try {
    await withHandle(created, async (handle) => {
      await handle.chmod(PRIVATE);
      if (model !== undefined && process.geteuid?.() === 0) {
        // Ignore an error: the owner may not exist in this user namespace, and the content is more
        // important.
        await handle.chown(model.uid, model.gid).catch(() => undefined);
      }
      await writeAll(handle, content);
      await handle.sync();
    });
  } catch (error) {
    await fs.rm(path, { force: true });
    throw error;
  }
}

/** Writes from the beginning of the file, with as few system calls as possible. */
async function writeAll(handle: fs.FileHandle, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  for (let offset = 0; offset < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, offset, bytes.length - offset, offset);
    offset += bytesWritten;
  }
}

/**
 * Resolves a symbolic link, even if its target does not exist.
 *
 * @throws FileError `denied` if root follows another user's link, which could redirect the write
 */
export async function followLinks(path: string): Promise<string> {
  let target = resolve(path);
  for (let links = 0; links < MAX_LINKS; links++) {
    const found = await unlessAbsent(fs.lstat(target));
    if (found?.isSymbolicLink() !== true) {
      await refuseLinkedFolder(target);
      return target;
    }
    refuseForeignLink(target, found);
    target = resolve(dirname(target), await fs.readlink(target));
  }
  throw new FileError('failed', path, 'too many symbolic links');
}

/** Refuses symbolic links owned by another user among the folders of a path. */
async function refuseLinkedFolder(target: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  for (let folder = dirname(target); folder !== dirname(folder); folder = dirname(folder)) {
    const found = await unlessAbsent(fs.lstat(folder));
    if (found?.isSymbolicLink() === true) refuseForeignLink(folder, found);
  }
}

function refuseForeignLink(path: string, { uid }: Stats): void {
  if (process.geteuid?.() !== 0 || uid === 0) return;
  const reason = `${path} is a symbolic link owned by user ${uid}, so root does not follow it. Use the path that the link points to`;
  throw new FileError('denied', path, reason);
}

/** Resolves with undefined if the file does not exist. */
async function unlessAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether the file is a mount point, as in containers; rename(2) onto it fails with EBUSY. */
async function isMountPoint(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const [place, table] = await Promise.all([
    fs.realpath(path),
    fs.readFile('/proc/self/mountinfo', 'utf8').catch(() => ''),
  ]);
  return table.split('\n').some((line) => unescapeMount(line.split(' ')[4] ?? '') === place);
}

/** Syncs the folder to make the rename durable, if the file system supports this. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    await withHandle(await fs.open(folder, 'r'), (handle) => handle.sync());
  } catch (error) {
    // The file is already in place, so only a disk error counts as a failure, not a folder that
    // cannot be opened or synced.
    if (codeOf(error) === 'EIO') throw error;
  }
}

export async function failingWith<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof FileError ? error : await toFileError(path, error);
  }
}

async function toFileError(path: string, error: unknown): Promise<FileError> {
  const { failure, reason } = fileFault(error);
  if (failure === 'absent' && !(await folderExists(path))) {
    const folder = dirname(resolve(path));
    return new FileError('no-folder', path, `the folder ${folder} does not exist`, {
      cause: error,
    });
  }
  return new FileError(failure, path, reason, { cause: error });
}

async function folderExists(path: string): Promise<boolean> {
  try {
    return (await fs.stat(dirname(await followLinks(path)))).isDirectory();
  } catch {
    return false;
  }
}
