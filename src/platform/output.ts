import { write } from 'node:fs';

const STANDARD_OUTPUT = 1;
const RETRY_DELAY = 10;
const DEADLINE = 30_000;

/**
 * Writes to standard output and resolves when the system has taken all of it. Node's own stream
 * ends the process where that fails; here the caller hears of it.
 *
 * @throws Error with the system's `code` (ENOSPC, EPIPE …); EAGAIN when a reader has not read for
 *   30 s
 */
export async function writeStandardOutput(text: string): Promise<void> {
  let rest = Buffer.from(text);
  const deadline = Date.now() + DEADLINE;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(await writeOnce(rest));
    } catch (error) {
      // The pipe is full, and Node has made it non-blocking.
      const isFull = (error as NodeJS.ErrnoException).code === 'EAGAIN';
      if (!isFull || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
    }
  }
}

function writeOnce(bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(STANDARD_OUTPUT, bytes, (error, written) => {
      if (error) reject(error);
      else resolve(written);
    });
  });
}
