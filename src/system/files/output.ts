import { write } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

const STANDARD_OUTPUT = 1;
/** The interval, in milliseconds, between attempts to write to a full pipe. */
const RETRY_DELAY = 10;
const PATIENCE = 30_000;

export interface OutputCalls {
  /** Resolves with the number of bytes that the system accepted. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** Returns the monotonic time in milliseconds. */
  readonly now: () => number;
  readonly pause: (milliseconds: number) => Promise<void>;
}

const writeOnce = promisify(write);

/**
 * Writes to standard output and resolves when the system has accepted all bytes. Rejects if a write
 * fails, whereas Node.js's own stream would end the process.
 *
 * @throws Error with the system's `code` (ENOSPC, EPIPE …); EAGAIN if the reader has not read for
 * 30 s
 */
export const writeStandardOutput = createPrinter({
  write: async (bytes) => (await writeOnce(STANDARD_OUTPUT, bytes)).bytesWritten,
  now: () => performance.now(),
  pause: (milliseconds) => setTimeout(milliseconds),
});

export function createPrinter({
  write,
  now,
  pause,
}: OutputCalls): (text: string | Uint8Array) => Promise<void> {
  return async (text) => {
    let rest = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    let lastProgress = now();
    while (rest.length > 0) {
      try {
        rest = rest.subarray(await write(rest));
        lastProgress = now();
      } catch (error) {
        // The pipe is full, and Node.js has made it non-blocking.
        const isFull = (error as NodeJS.ErrnoException).code === 'EAGAIN';
        if (!isFull || now() - lastProgress > PATIENCE) throw error;
        await pause(RETRY_DELAY);
      }
    }
  };
}
