/** The file of a capture: written behind the tunnel's back, which never waits for the disk. */
import { type FileHandle, open } from 'node:fs/promises';

import { FileError } from '../arc-config/files.js';
import { codeOf } from '../lib/error-message.js';
import type { CaptureFile, Log } from '../tunnel/ports.js';
import { failingWith, reasonOf } from './files.js';

export interface CaptureFileOptions {
  /** Bytes that wait for the disk at most. */
  readonly maxWaiting?: number;
}

const PRIVATE = 0o600;
const MAX_WAITING = 4 << 20;
/** Milliseconds that close() gives a disk that is behind. */
const CLOSE_TIMEOUT = 5_000;

/**
 * Makes a new file with mode 0600. What is there already, a link too, is left as it is: a slip must
 * not put a capture in the place of arc.json.
 *
 * @throws FileError
 */
export function createCaptureFile(
  path: string,
  log: Log,
  options: CaptureFileOptions = {},
): Promise<CaptureFile> {
  return failingWith(path, async () => {
    let handle: FileHandle;
    try {
      handle = await open(path, 'wx', PRIVATE);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      throw new FileError('failed', path, 'there is a file of this name already', { cause: error });
    }
    return new SystemCaptureFile(path, handle, log, options);
  });
}

class SystemCaptureFile implements CaptureFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #log: Log;
  readonly #maxWaiting: number;
  #waiting: Uint8Array[] = [];
  /** Of those that are being written, too. */
  #waitingBytes = 0;
  /** Bytes of whole blocks that are written. */
  #length = 0;
  #writing: Promise<void> | undefined;
  #isOver = false;
  #hasFailed = false;

  constructor(path: string, handle: FileHandle, log: Log, options: CaptureFileOptions) {
    this.#path = path;
    this.#handle = handle;
    this.#log = log;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
  }

  write(block: Uint8Array): boolean {
    if (this.#isOver || this.#waitingBytes + block.length > this.#maxWaiting) return false;
    this.#take(block);
    return true;
  }

  async close(trailer: readonly Uint8Array[]): Promise<boolean> {
    if (!this.#isOver) for (const block of trailer) this.#take(block);
    this.#isOver = true;
    const done = (this.#writing ?? Promise.resolve()).then(() => this.#handle.close());
    if (await endsWithin(done, CLOSE_TIMEOUT)) return !this.#hasFailed;
    const reason = `the disk took longer than ${CLOSE_TIMEOUT / 1000} s`;
    this.#log.warn({ path: this.#path, reason }, 'the end of the capture is not written');
    return false;
  }

  #take(block: Uint8Array): void {
    this.#waiting.push(block);
    this.#waitingBytes += block.length;
    this.#writing ??= this.#writeWaiting();
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const blocks = this.#waiting;
      this.#waiting = [];
      const bytes = Buffer.concat(blocks);
      const { written, error } = await this.#write(bytes);
      this.#waitingBytes -= bytes.length;
      if (error !== undefined) {
        await this.#end(blocks, written, error);
        break;
      }
      this.#length += written;
    }
    this.#writing = undefined;
  }

  /** Never rejects. */
  async #write(bytes: Uint8Array): Promise<{ written: number; error?: unknown }> {
    let written = 0;
    try {
      while (written < bytes.length) {
        const { bytesWritten } = await this.#handle.write(
          bytes,
          written,
          bytes.length - written,
          this.#length + written,
        );
        written += bytesWritten;
      }
      return { written };
    } catch (error) {
      return { written, error };
    }
  }

  /** The disk has failed: the capture is as long as its last whole block. */
  async #end(blocks: readonly Uint8Array[], written: number, error: unknown): Promise<void> {
    this.#isOver = true;
    this.#hasFailed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    let whole = 0;
    for (const { length } of blocks) {
      if (whole + length > written) break;
      whole += length;
    }
    this.#log.warn(
      { path: this.#path, reason: reasonOf(error) },
      'the capture ends here; the tunnel goes on',
    );
    await this.#handle.truncate(this.#length + whole).catch(() => undefined);
  }
}

/** Whether `work` settles in time, either way. */
async function endsWithin(work: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const settled = work.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([settled, late]);
  clearTimeout(timer);
  return inTime;
}
