/** Journals on the operating system's files. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  FileError,
  JOURNAL_ROOM,
  type Journal,
  type Journals,
  type OpenedJournal,
} from '../arc-config/files.js';
import { codeOf, failingWith, followLinks, syncFolder } from './files.js';

const PRIVATE = 0o600;

export const systemJournals: Journals = {
  create: (target, line) => failingWith(target, () => create(target, line)),
  open: (target) => failingWith(target, () => openExisting(target)),
};

/** Beside the file itself, also when `target` is a link to it: there is one journal for one file. */
async function pathOf(target: string): Promise<string> {
  const file = await followLinks(target);
  return join(dirname(file), `.${basename(file)}.bootstrap`);
}

async function create(target: string, line: string): Promise<Journal | undefined> {
  const path = await pathOf(target);
  const text = `${await ownerLine()}${line}\n`;
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await open(temporary, 'wx', PRIVATE);
  try {
    // Spaces are written, not skipped over: the blocks have to be taken.
    await handle.writeFile(text.padEnd(JOURNAL_ROOM, ' '));
    await handle.sync();
    if (!(await nameOnce(temporary, path))) return undefined;
  } finally {
    await handle.close();
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
  return new SystemJournal(path, Buffer.byteLength(text));
}

/** Gives the file its name, unless another has it. @returns whether it could */
async function nameOnce(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!NO_LINKS.includes(codeOf(error) ?? '')) throw error;
    return copyOnce(temporary, path);
  }
}

/** FAT has no links, and some network file systems refuse them. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'];

async function copyOnce(temporary: string, path: string): Promise<boolean> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'wx', PRIVATE);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    await handle.writeFile(await readFile(temporary));
    await handle.sync();
  } finally {
    await handle.close();
  }
  return true;
}

async function openExisting(target: string): Promise<OpenedJournal | undefined> {
  const path = await pathOf(target);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    // A folder that is not there holds no journal; whether it may be made is asked elsewhere.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  const written = text.slice(0, text.lastIndexOf('\n') + 1);
  const [owner = '', ...lines] = written.split('\n').slice(0, -1);
  const journal = new SystemJournal(path, Buffer.byteLength(written));
  const runningProcess = await runningOwner(owner.trimEnd());
  if (runningProcess === undefined) await journal.claim();
  return { journal, lines, runningProcess };
}

/** The first line names the process at work. Its length is fixed, so that another can be put there. */
const OWNER_LENGTH = 128;

async function ownerLine(): Promise<string> {
  const text = `${process.pid} ${await startOf(process.pid)}`;
  return `${text.padEnd(OWNER_LENGTH - 1).slice(0, OWNER_LENGTH - 1)}\n`;
}

async function runningOwner(line: string): Promise<number | undefined> {
  const [id = '', ...start] = line.split(' ');
  const pid = Number(id);
  if (!(pid > 0) || pid === process.pid || !isAlive(pid)) return undefined;
  // The number may be another process's by now, or of another machine or container.
  return (await startOf(pid)) === start.join(' ') ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** What tells a process from a later one of the same number: proc_pid_stat(5), field 22. */
async function startOf(pid: number): Promise<string> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${boot.trim()} ${ticks}`;
  } catch {
    return '';
  }
}

class SystemJournal implements Journal {
  readonly path: string;
  /** Bytes that hold lines. */
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

  /** Makes it this process's. */
  async claim(): Promise<void> {
    await this.#write(Buffer.from(await ownerLine()), 0);
    this.#length = Math.max(this.#length, OWNER_LENGTH);
  }

  async #write(bytes: Buffer, position: number): Promise<void> {
    const handle = await open(this.path, 'r+');
    try {
      const { bytesWritten } = await handle.write(bytes, 0, bytes.length, position);
      if (bytesWritten < bytes.length) throw new FileError('failed', this.path, 'a short write');
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  remove(): Promise<void> {
    return failingWith(this.path, async () => {
      await rm(this.path, { force: true });
      await syncFolder(dirname(this.path));
    });
  }
}
