/** The standard streams of this process, as streams that do not block the event loop. */
import { closeSync, createWriteStream, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { isatty, WriteStream } from 'node:tty';

const STANDARD_OUTPUT = 1;

export function standardStreams(): { readonly input: Readable; readonly output: Writable } {
  return { input: process.stdin, output: openOutput(STANDARD_OUTPUT) };
}

/**
 * Opens a descriptor for writing. At the end, the descriptor is closed, so that the reader of a pipe
 * sees the end. Node.js's own stream would write to a pipe synchronously, and cannot be closed.
 */
export function openOutput(fd: number): Writable {
  return open(fd).once('finish', () => {
    closeSync(fd);
    // The lowest free descriptor is this one. Node.js's own stream still refers to it.
    openSync('/dev/null', 'w');
  });
}

function open(fd: number): Writable {
  const stats = fstatSync(fd);
  if (stats.isFIFO() || stats.isSocket()) return new Socket({ fd, readable: false });
  if (isatty(fd)) return new WriteStream(fd);
  return createWriteStream('', { fd, autoClose: false });
}
