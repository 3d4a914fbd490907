/**
 * Reads files that contain secrets, such as auth keys. The mode is read from the open descriptor,
 * so that replacing the file after the check has no effect. arc.json is read by files.ts.
 */
import { close, constants, fstat, open, read, type Stats } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';

import { fileFault } from '../../lib/errors/file-fault.js';
import { readLimited } from '../../lib/read-limited.js';
import {
  PrivateFileError,
  type PrivateFileFailure,
  type PrivateFiles,
} from '../../ports/private-files.js';

export interface PrivateFilesOptions {
  /** A stream that replaces standard input. */
  readonly stdin?: Readable & { readonly isTTY?: boolean };
  /** The maximum time in milliseconds for reading a pipe. */
  readonly timeout?: number;
  /** The platform; defaults to `process.platform`. */
  readonly platform?: string;
}

/** The maximum length in bytes; a key or a profile is shorter than 1 KB. */
const MAX_LENGTH = 64 << 10;
/** The timeout in milliseconds; the program that writes to a pipe may have to prompt its user. */
const PIPE_TIMEOUT = 60_000;
const GROUP_AND_OTHERS = 0o077;

const systemCalls = {
  open: promisify(open),
  fstat: promisify(fstat) as (descriptor: number) => Promise<Stats>,
  read: promisify(read),
  close: promisify(close),
};

export const systemPrivateFiles: PrivateFiles = createPrivateFiles();

export function createPrivateFiles(options: PrivateFilesOptions = {}): PrivateFiles {
  const { timeout = PIPE_TIMEOUT, platform = process.platform } = options;
  return {
    readText: (path) => failingClearly(() => readText(path, timeout, platform)),
    readStandardInput: () =>
      failingClearly(() => {
        // Access process.stdin only here, because reading the property opens the stream.
        const stdin = options.stdin ?? process.stdin;
        if (stdin.isTTY) throw terminalError();
        return readStream(stdin, timeout);
      }),
  };
}

async function readText(path: string, timeout: number, platform: string): Promise<string> {
  // Without O_NONBLOCK, opening a FIFO that has no writer would block forever.
  const descriptor = await systemCalls.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let isOurs = true;
  try {
    const stats = await systemCalls.fstat(descriptor);
    // Windows uses access lists instead of modes, and Node.js reports 0666 for every file there.
    if (stats.isFile() && platform !== 'win32') requirePrivate(stats);
    if (isatty(descriptor)) throw terminalError();
    if (!stats.isFIFO() && !stats.isSocket()) return await readWhole(descriptor);
    isOurs = false;
    return await readStream(new Socket({ fd: descriptor, writable: false }), timeout);
  } finally {
    // A Socket closes its descriptor itself.
    if (isOurs) await systemCalls.close(descriptor);
  }
}

function requirePrivate({ mode }: Stats): void {
  if ((mode & GROUP_AND_OTHERS) === 0) return;
  const octal = (mode & 0o7777).toString(8).padStart(4, '0');
  throw new PrivateFileError('too-open', `the file mode is ${octal}, so other users can access it`);
}

async function readWhole(descriptor: number): Promise<string> {
  const buffer = Buffer.alloc(MAX_LENGTH + 1);
  let length = 0;
  for (;;) {
    const room = buffer.length - length;
    const { bytesRead } = await systemCalls.read(descriptor, buffer, length, room, null);
    if (bytesRead === 0) return buffer.toString('utf8', 0, length);
    length += bytesRead;
    if (length > MAX_LENGTH) throw tooLongError();
  }
}

async function readStream(stream: Readable, timeout: number): Promise<string> {
  if (stream.readableEnded)
    throw new PrivateFileError('failed', 'the stream has already been read');
  const timer = setTimeout(() => {
    const limit = `the input did not end within ${timeout / 1000} s`;
    stream.destroy(new PrivateFileError('failed', limit));
  }, timeout);
  try {
    return Buffer.concat(await readLimited<Buffer>(stream, MAX_LENGTH, tooLongError)).toString(
      'utf8',
    );
  } finally {
    clearTimeout(timer);
  }
}

function tooLongError(): PrivateFileError {
  return new PrivateFileError('failed', `the text must not be longer than ${MAX_LENGTH} bytes`);
}

function terminalError(): PrivateFileError {
  return new PrivateFileError(
    'failed',
    'standard input is a terminal, which would show what you type',
  );
}

const PRIVATE_FAILURES: Readonly<Record<string, PrivateFileFailure>> = {
  absent: 'absent',
  'no-folder': 'absent',
  denied: 'denied',
};

async function failingClearly<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof PrivateFileError) throw error;
    const { failure, reason } = fileFault(error);
    throw new PrivateFileError(PRIVATE_FAILURES[failure] ?? 'failed', reason, { cause: error });
  }
}
