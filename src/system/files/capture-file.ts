/** A capture file, written asynchronously so that the tunnel never waits for the disk. */
import { type FileHandle, open, rm } from 'node:fs/promises';

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

interface Block {
  readonly bytes: Uint8Array;
  readonly onLost: (() => void) | undefined;
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
  #waiting: Block[] = [];
  /** The blocks that are currently being written. */
  #underWay: readonly Block[] = [];
  /** The total size of #waiting and #underWay in bytes. */
  #waitingBytes = 0;
  /** The total length of the complete blocks in the file, in bytes. */
  #length: number;
  #writing: Promise<void> | undefined;
  #isOver = false;
  #hasFailed = false;

  /** @param handle the open file, to which the header was already written */
  constructor(path: string, handle: FileHandle, log: Log, options: CaptureFileOptions) {
    this.#path = path;
    this.#handle = handle;
    this.#log = log;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
    this.#length = lengthOf(options.header ?? []);
  }

  write(bytes: Uint8Array, onLost?: () => void): boolean {
    if (this.#isOver || this.#waitingBytes + bytes.length > this.#maxWaiting) return false;
    this.#take({ bytes, onLost });
    return true;
  }

  async close(trailer: readonly Uint8Array[]): Promise<boolean> {
    if (!this.#isOver) for (const bytes of trailer) this.#take({ bytes, onLost: undefined });
    this.#isOver = true;
    const done = (this.#writing ?? Promise.resolve()).then(() => this.#handle.close());
    const settled = done.then(
      () => true,
      () => true,
    );
    if (await inTime(settled, CLOSE_TIMEOUT, systemClock)) return !this.#hasFailed;
    this.#lose(0);
    const reason = `the disk took longer than ${CLOSE_TIMEOUT / 1000} s`;
    this.#log.warn({ path: this.#path, reason }, 'the end of the capture could not be written');
    return false;
  }

  #take(block: Block): void {
    this.#waiting.push(block);
    this.#waitingBytes += block.bytes.length;
    this.#writing ??= this.#writeWaiting();
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#underWay = this.#waiting;
      this.#waiting = [];
      const bytes = Buffer.concat(this.#underWay.map((block) => block.bytes));
      const { written, error } = await this.#write(bytes);
      this.#waitingBytes -= bytes.length;
      if (error !== undefined) {
        await this.#end(written, error);
        break;
      }
      this.#underWay = [];
      this.#length += written;
    }
    this.#writing = undefined;
  }

  /** Writes all bytes; returns an error instead of rejecting. */
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

  /** Ends the capture after a disk error: truncates the file to its last complete block. */
  async #end(written: number, error: unknown): Promise<void> {
    this.#isOver = true;
    this.#hasFailed = true;
    let [blocks, whole] = [0, 0];
    for (const { bytes } of this.#underWay) {
      if (whole + bytes.length > written) break;
      whole += bytes.length;
      blocks++;
    }
    this.#lose(blocks);
    this.#log.warn(
      { path: this.#path, reason: fileFault(error).reason },
      'the capture has stopped; the tunnel continues',
    );
    await this.#handle.truncate(this.#length + whole).catch(() => undefined);
  }

  /** Reports accepted blocks as lost, except for the first `written` blocks in progress. */
  #lose(written: number): void {
    const lost = [...this.#underWay.slice(written), ...this.#waiting];
    this.#underWay = [];
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { onLost } of lost) onLost?.();
  }
}

function lengthOf(blocks: readonly Uint8Array[]): number {
  return blocks.reduce((length, block) => length + block.length, 0);
}
