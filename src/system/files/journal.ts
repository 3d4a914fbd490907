/** Implements journals as files. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FileError } from '../../ports/files.js';
import {
  JOURNAL_ROOM,
  type Journal,
  type Journals,
  type OpenedJournal,
} from '../../ports/stores/journals.js';
import { codeOf } from '../../lib/errors/error-message.js';
import { failingWith, followLinks, syncFolder, withHandle, writeNew } from './files.js';
import { isOwnerLine, ownerLine, OWNER_LENGTH, runningOwner } from '../process/process-owner.js';

const SUFFIX = '.bootstrap';

export const systemJournals: Journals = {
  create: async (target, line) => {
    const path = await pathOf(target);
    return failingWith(path, () => create(path, line));
  },
  open: async (target) => {
    const path = await pathOf(target);
    return failingWith(path, () => openExisting(path));
  },
};

/**
 * Returns the journal's path. If `target` is a link, the journal is next to the link's target, so
 * that each file has only one journal.
 */
async function pathOf(target: string): Promise<string> {
  const file = await failingWith(target, () => followLinks(target));
  return join(dirname(file), `.${basename(file)}${SUFFIX}`);
}

async function create(path: string, line: string): Promise<Journal | undefined> {
  const text = `${await ownerLine()}${line}\n`;
  // Write spaces instead of a sparse file, so that the disk blocks are allocated.
  if (!(await makeOnce(path, text.padEnd(JOURNAL_ROOM, ' ')))) return undefined;
  await syncFolder(dirname(path));
  return new SystemJournal(path, Buffer.byteLength(text));
}

/**
 * Creates a file together with its whole content, atomically. @returns false if the file already
 * existed
 */
async function makeOnce(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeNew(temporary, text);
    await link(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!NO_LINKS.includes(codeOf(error) ?? '')) throw error;
    return await writeOnce(path, text);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Error codes of file systems without hard links, such as FAT and some network file systems. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'];

async function writeOnce(path: string, text: string): Promise<boolean> {
  try {
    await writeNew(path, text);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function openExisting(path: string): Promise<OpenedJournal | undefined> {
  const text = await readOwn(path);
  if (text === undefined) return undefined;
  // Another program has changed the file. Do not delete it, because it may contain a key.
  if (!isOwnerLine(text.slice(0, OWNER_LENGTH))) {
    return { journal: new SystemJournal(path, 0), lines: [text], runningProcess: undefined };
  }
  const runningProcess = await runningOwner(firstLine(text));
  const lines = linesOf(text).slice(1);
  if (runningProcess !== undefined) {
    return { journal: new SystemJournal(path, lengthOf(text)), lines, runningProcess };
  }
  return takeOver(path);
}

/**
 * Takes over the journal of a process that has ended. If several processes try, the one that
 * creates the claim file succeeds; the others then find that the journal has an owner.
 */
async function takeOver(path: string): Promise<OpenedJournal | undefined> {
  const claim = `${path}.claim`;
  const claimant = await claimantOf(claim);
  if (claimant !== undefined) {
    return { journal: new SystemJournal(path, 0), lines: [], runningProcess: claimant };
  }
  try {
    const text = await readOwn(path);
    if (text === undefined) return undefined;
    const lines = linesOf(text).slice(1);
    const journal = new SystemJournal(path, Math.max(lengthOf(text), OWNER_LENGTH));
    const runningProcess = await runningOwner(firstLine(text));
    if (runningProcess === undefined) {
      await journal.claim();
      await removeLeftovers(path);
    }
    return { journal, lines, runningProcess };
  } finally {
    await rm(claim, { force: true });
  }
}

/**
 * Removes the temporary files of a process that has ended; the key in them is also in the journal.
 */
async function removeLeftovers(path: string): Promise<void> {
  const target = basename(path).slice(1, -SUFFIX.length);
  const names = await readdir(dirname(path)).catch(() => []);
  const leftovers = names.filter(
    (name) =>
      name.startsWith(`.${target}.`) &&
      /^\.(bootstrap\.)?[0-9a-f]{12}\.tmp$/.test(name.slice(target.length + 1)),
  );
  await Promise.all(leftovers.map((name) => rm(join(dirname(path), name), { force: true })));
}

/**
 * Creates the claim file.
 * @returns the ID of the process that created it first, if any
 */
async function claimantOf(claim: string): Promise<number | undefined> {
  const line = await ownerLine();
  if (await makeOnce(claim, line)) return undefined;
  const text = await readFile(claim, 'utf8').catch(() => '');
  const runningProcess = await runningOwner(firstLine(text));
  if (runningProcess !== undefined) return runningProcess;
  // A process ended while it held the claim.
  await rm(claim, { force: true });
  if (await makeOnce(claim, line)) return undefined;
  throw new FileError('failed', claim, 'another run is taking over the journal');
}

/**
 * Reads a journal that only its owner can have written.
 * @returns undefined if no journal exists
 */
async function readOwn(path: string): Promise<string | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    // If the folder is missing, no journal exists. Other code checks whether the folder may be
    // created.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    if (codeOf(error) === 'ELOOP')
      throw new FileError('failed', path, 'the journal must not be a symbolic link');
    throw error;
  }
  return withHandle(handle, async () => {
    await requireOwn(handle, path);
    return handle.readFile('utf8');
  });
}

/** Requires that this user owns the file, because its content, including keys, is trusted. */
async function requireOwn(handle: FileHandle, path: string): Promise<void> {
  const status = await handle.stat();
  const { mode, uid, size } = status;
  if (!status.isFile()) throw new FileError('failed', path, 'the journal must be a regular file');
  if (size > 2 * JOURNAL_ROOM)
    throw new FileError('failed', path, 'the file is too long for a journal');
  // Windows has neither user IDs nor Unix modes.
  const ownUid = process.geteuid?.();
  if (ownUid === undefined) return;
  const folder = await stat(dirname(path));
  // Root may continue a journal that belongs to the folder's owner.
  const isOurs = uid === ownUid || (ownUid === 0 && uid === folder.uid);
  if (!isOurs) throw new FileError('denied', path, `the journal belongs to user ${uid}`);
  if ((mode & 0o077) !== 0) {
    throw new FileError(
      'denied',
      path,
      'other users can read or write the journal, so its content cannot be trusted',
    );
  }
}

function lengthOf(text: string): number {
  return Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1));
}

/**
 * Returns the complete lines. If the last line does not end with a line break, it was not
 * completely written.
 */
function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

function firstLine(text: string): string {
  return linesOf(text)[0]?.trimEnd() ?? '';
}

class SystemJournal implements Journal {
  readonly path: string;
  /** The number of bytes that the lines use. */
  #length: number;

  constructor(path: string, length: number) {
    this.path = path;
    this.#length = length;
  }

  append(line: string): Promise<void> {
    return failingWith(this.path, async () => {
      const bytes = Buffer.from(`${line}\n`);
      if (this.#length + bytes.length > JOURNAL_ROOM) {
        throw new FileError('failed', this.path, 'the journal is full');
      }
      await this.#write(bytes, this.#length);
      this.#length += bytes.length;
    });
  }

  /** Records this process as the owner. */
  async claim(): Promise<void> {
    await this.#write(Buffer.from(await ownerLine()), 0);
  }

  async #write(bytes: Buffer, position: number): Promise<void> {
    const opened = await open(this.path, constants.O_RDWR | constants.O_NOFOLLOW);
    await withHandle(opened, async (handle) => {
      if (position > 0) await this.#requireClaimed(handle);
      const { bytesWritten } = await handle.write(bytes, 0, bytes.length, position);
      if (bytesWritten < bytes.length)
        throw new FileError('failed', this.path, 'the write was incomplete');
      await handle.sync();
    });
  }

  /** Check the owner, because another run may have created its own journal after a deletion. */
  async #requireClaimed(handle: FileHandle): Promise<void> {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(OWNER_LENGTH), 0, OWNER_LENGTH, 0);
    if (buffer.toString('utf8', 0, bytesRead) === (await ownerLine())) return;
    throw new FileError('failed', this.path, 'another run has replaced the journal');
  }

  remove(): Promise<void> {
    return failingWith(this.path, async () => {
      try {
        const opened = await open(this.path, constants.O_RDONLY | constants.O_NOFOLLOW);
        await withHandle(opened, (handle) => this.#requireClaimed(handle));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return;
        throw error;
      }
      await rm(this.path, { force: true });
      await syncFolder(dirname(this.path));
    });
  }
}
