/**
 * Stores the last TAI64N timestamp that was sent with a key. The timestamp is saved to disk before
 * its initiation is sent (whitepaper 5.1;
 * docs/decisions/0007-persist-timestamps-before-sending.md).
 *
 * For each public key, there is a file with two blocks that are written alternately. A write that
 * is interrupted by a crash or power failure destroys the older timestamp, never the newer one. A
 * block is a line of text that `tai64nlocal` can show.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join } from 'node:path';

import { codeOf } from '../../lib/errors/error-message.js';
import { fileFault } from '../../lib/errors/file-fault.js';
import type { Log } from '../../ports/log.js';
import type { TimestampRecord, TimestampStore } from '../../ports/stores/timestamp-store.js';
import { createFolders, syncFolderNow } from './folders.js';

const PRIVATE = 0o600;
const WRITABLE_BY_OTHERS = 0o022;
/**
 * The block size in bytes: one page of a file system and of most flash memory, so that an
 * interrupted write damages only one block.
 */
const BLOCK = 4096;
const LENGTH = 2 * BLOCK;
/**
 * These flags do not exist on Windows, where creating a link requires a privilege. O_NONBLOCK
 * prevents a FIFO from blocking.
 */
const NO_LINK_NO_WAIT = fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;

/** @param folder arctun's state folder; the first timestamp creates its subfolder `timestamps` */
export function createTimestampStore(folder: string, log: Log): TimestampStore {
  let warned = false;
  const warnOnce = (what: string, path: string, error: unknown) => {
    if (warned) return;
    warned = true;
    const reason =
      codeOf(error) === 'ELOOP' ? 'the file must not be a symbolic link' : fileFault(error).reason;
    log.warn({ path, reason }, `${what}; ${CONSEQUENCE}`);
  };
  return {
    open(publicKey) {
      const name = Buffer.from(publicKey).toString('hex');
      const file = new TimestampFile(join(folder, 'timestamps', name), publicKey);
      let last: Uint8Array | undefined;
      try {
        last = file.read();
      } catch (error) {
        warnOnce('the time of the last handshake is unknown', file.path, error);
      }
      const save = (timestamp: Uint8Array) => {
        try {
          file.write(timestamp);
        } catch (error) {
          warnOnce('cannot save the time of the last handshake', file.path, error);
        }
      };
      return Promise.resolve<TimestampRecord>({ last, save });
    },
  };
}

/** The consequence that warnings mention. It is explained in docs/reference/files.md. */
const CONSEQUENCE =
  'if the clock is set back and arctun restarts, the server will not answer until the clock has caught up';

interface Found {
  readonly index: number;
  readonly timestamp: Buffer;
}

class TimestampFile {
  readonly path: string;
  readonly #publicKey: Uint8Array;

  constructor(path: string, publicKey: Uint8Array) {
    this.path = path;
    this.#publicKey = publicKey;
  }

  /** @throws Error if the file exists but contains no timestamp for this key */
  read(): Buffer | undefined {
    let descriptor: number;
    try {
      descriptor = fs.openSync(this.path, fs.constants.O_RDONLY | NO_LINK_NO_WAIT);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    try {
      this.#requireOwn(descriptor);
      const { found, isBlank } = this.#readBlocks(descriptor);
      if (found === undefined && !isBlank) throw new Error('the file does not contain a timestamp');
      return found?.timestamp;
    } finally {
      fs.closeSync(descriptor);
    }
  }

  /**
   * Returns when the timestamp is saved to disk. Overwrites the older block, so that the latest
   * timestamp remains, whichever process wrote it.
   */
  write(timestamp: Uint8Array): void {
    const descriptor = this.#openOrCreate();
    try {
      const folder = this.#requireOwn(descriptor);
      const { found, length } = this.#readBlocks(descriptor);
      const index = found?.index === 0 ? 1 : 0;
      // The first write also fills the other block, so that a later write does not fail because of
      // a full disk.
      const blank = index === 0 && length < LENGTH ? blockOf('') : '';
      const bytes = Buffer.from(blockOf(this.#lineOf(timestamp)) + blank);
      if (fs.writeSync(descriptor, bytes, 0, bytes.length, index * BLOCK) < bytes.length) {
        throw new Error('the write was incomplete');
      }
      if (length === 0) this.#finishNew(descriptor, folder);
      else sync(descriptor, fs.fdatasyncSync);
    } finally {
      fs.closeSync(descriptor);
    }
  }

  #openOrCreate(): number {
    try {
      return fs.openSync(this.path, fs.constants.O_RDWR | NO_LINK_NO_WAIT);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
    createFolders(dirname(this.path));
    const { O_RDWR, O_CREAT } = fs.constants;
    return fs.openSync(this.path, O_RDWR | O_CREAT | NO_LINK_NO_WAIT, PRIVATE);
  }

  #finishNew(descriptor: number, folder: fs.Stats): void {
    // If this process runs as root, the folder's owner gets the file.
    if (process.geteuid?.() === 0) fs.fchownSync(descriptor, folder.uid, folder.gid);
    sync(descriptor, fs.fsyncSync);
    syncFolderNow(dirname(this.path));
  }

  /**
   * Requires that this user owns the file, because another user's file must be neither written nor
   * trusted.
   * @returns the folder
   */
  #requireOwn(descriptor: number): fs.Stats {
    const folder = fs.lstatSync(dirname(this.path));
    if (!folder.isDirectory()) throw new Error(`${dirname(this.path)} is not a folder`);
    const file = fs.fstatSync(descriptor);
    if (!file.isFile()) throw new Error('the path must be a regular file');
    if (file.nlink !== 1) throw new Error('the file must not have more than one hard link');
    // Windows has neither user IDs nor Unix modes.
    const uid = process.geteuid?.();
    if (uid === undefined) return folder;
    for (const { uid: owner, mode } of [folder, file]) {
      // Root may continue a file that belongs to the folder's owner.
      if (owner !== uid && !(uid === 0 && owner === folder.uid)) {
        throw new Error(`the file or its folder belongs to user ${owner}`);
      }
      if ((mode & WRITABLE_BY_OTHERS) !== 0)
        throw new Error('other users can write to the file or its folder');
    }
    return folder;
  }

  /** Reads both blocks and returns the later valid timestamp. */
  #readBlocks(descriptor: number): { found?: Found; isBlank: boolean; length: number } {
    const bytes = Buffer.alloc(LENGTH);
    const length = fs.readSync(descriptor, bytes, 0, LENGTH, 0);
    const text = bytes.toString('latin1', 0, length);
    let found: Found | undefined;
    for (const index of [0, 1]) {
      const timestamp = this.#parse(text.slice(index * BLOCK, (index + 1) * BLOCK));
      if (timestamp === undefined) continue;
      if (found === undefined || timestamp.compare(found.timestamp) > 0)
        found = { index, timestamp };
    }
    return { ...(found && { found }), isBlank: text.trim() === '', length };
  }

  #parse(block: string): Buffer | undefined {
    const [, hex = ''] = /^@([0-9a-f]{24}) [0-9a-f]{16} *\n$/.exec(block) ?? [];
    const timestamp = Buffer.from(hex, 'hex');
    if (timestamp.length === 0 || block !== blockOf(this.#lineOf(timestamp))) return undefined;
    return isTai64n(timestamp) ? timestamp : undefined;
  }

  /** Returns the timestamp's line, with a checksum over the key and the timestamp. */
  #lineOf(timestamp: Uint8Array): string {
    const hash = createHash('sha256').update(this.#publicKey).update(timestamp).digest('hex');
    return `@${Buffer.from(timestamp).toString('hex')} ${hash.slice(0, 16)}`;
  }
}

function blockOf(line: string): string {
  return `${line.padEnd(BLOCK - 1)}\n`;
}

/**
 * Rejects labels of 2^63 and above: they are reserved (https://cr.yp.to/libtai/tai64.html), and no
 * timestamp could follow the largest one.
 */
function isTai64n(timestamp: Buffer): boolean {
  return timestamp.readUInt8(0) < 0x80 && timestamp.readUInt32BE(8) < 1_000_000_000;
}

/** The error codes of file systems that cannot sync. arctun cannot do more on such file systems. */
const CANNOT_SYNC = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

function sync(descriptor: number, call: (descriptor: number) => void): void {
  try {
    call(descriptor);
  } catch (error) {
    if (!CANNOT_SYNC.includes(codeOf(error) ?? '')) throw error;
  }
}
