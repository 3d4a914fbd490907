/** A capture file, written asynchronously so that the tunnel never waits for the disk. */
import { createWriteStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

import { inTime } from '../../lib/waits.js';
import { fileFault } from '../../lib/errors/file-fault.js';
import type { CaptureFile } from '../../ports/capture-file.js';
import type { Log } from '../../ports/log.js';
import { systemClock } from '../clock.js';
import { failingWith } from './files.js';

export interface CaptureFileOptions {
  readonly header?: readonly Uint8Array[];
  /** The maximum number of bytes that may be queued for writing. */
  readonly maxWaiting?: number;
}

const PRIVATE = 0o600;
const MAX_WAITING = 4 << 20;
/** How long close() waits for a slow disk, in milliseconds. */
const CLOSE_TIMEOUT = 5_000;

/**
 * Creates a new file with mode 0600, and resolves when its header is written. Never overwrites a
 * file or link, so that a mistyped path cannot replace arc.json.
 *
 * @throws FileError; no file is left behind
 */
export function createCaptureFile(
  path: string,
  log: Log,
  options: CaptureFileOptions = {},
): Promise<CaptureFile> {
  return failingWith(path, async () => {
    const handle = await open(path, 'wx', PRIVATE);
    await writeHeader(path, handle, Buffer.concat(options.header ?? []));
    return new SystemCaptureFile(path, handle, log, options);
  });
}

async function writeHeader(path: string, handle: FileHandle, header: Uint8Array): Promise<void> {
  try {
    // Use writeFile(), which, unlike write(), continues until everything is written.
    await handle.writeFile(header);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  }
}

class SystemCaptureFile implements CaptureFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #log: Log;
  readonly #maxWaiting: number;
  readonly #stream: Writable & { readonly bytesWritten: number };
  readonly #headerLength: number;
  /** What to call for each queued block that is lost. */
  readonly #waiting = new Set<() => void>();
  /** The total length of the complete blocks after the header, in bytes. */
  #length = 0;
  #isOver = false;
  #hasFailed = false;

  /** @param handle the open file, to which the header was already written */
  constructor(path: string, handle: FileHandle, log: Log, options: CaptureFileOptions) {
    this.#path = path;
    this.#handle = handle;
    this.#log = log;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
    this.#headerLength = Buffer.concat(options.header ?? []).length;
    this.#stream = createWriteStream('', { fd: handle.fd, autoClose: false });
    this.#stream.on('error', (error) =>
      this.#warn('the capture has stopped; the tunnel continues', fileFault(error).reason),
    );
  }

  write(bytes: Uint8Array, onLost = (): void => undefined): boolean {
    if (this.#isOver || this.#stream.writableLength + bytes.length > this.#maxWaiting) return false;
    this.#take(bytes, onLost);
    return true;
  }

  async close(trailer: readonly Uint8Array[]): Promise<boolean> {
    if (!this.#isOver) for (const bytes of trailer) this.#take(bytes, () => undefined);
    this.#isOver = true;
    if (await inTime(this.#finish(), CLOSE_TIMEOUT, systemClock)) return !this.#hasFailed;
    for (const onLost of this.#waiting) onLost();
    this.#waiting.clear();
    const reason = `the disk took longer than ${CLOSE_TIMEOUT / 1000} s`;
    this.#warn('the end of the capture could not be written', reason);
    return false;
  }

  #take(bytes: Uint8Array, onLost: () => void): void {
    const lost = () => onLost();
    this.#waiting.add(lost);
    this.#stream.write(bytes, (error) => {
      // After a disk error, the first blocks of a batch may be in the file.
      const isWritten = this.#length + bytes.length <= this.#stream.bytesWritten;
      if (!error || (isWritten && !this.#hasFailed)) this.#length += bytes.length;
      else {
        this.#isOver = this.#hasFailed = true;
        if (this.#waiting.has(lost)) lost();
      }
      this.#waiting.delete(lost);
    });
  }

  /** Ends and closes the file. After a disk error, truncates it to its last complete block. */
  async #finish(): Promise<true> {
    await finished(this.#stream.end()).catch(() => undefined);
    if (this.#hasFailed) {
      await this.#handle.truncate(this.#headerLength + this.#length).catch(() => undefined);
    }
    await this.#handle.close().catch(() => undefined);
    return true;
  }

  #warn(what: string, reason: string): void {
    this.#log.warn({ path: this.#path, reason }, what);
  }
}
