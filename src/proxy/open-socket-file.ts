/** Opens a server on a Unix socket, to which only its owner can connect. */
import type { Server } from 'node:net';

import { isDenied } from '../lib/errors/error-message.js';
import { type FailureKind, UserError } from '../lib/errors/user-error.js';
import type { PortOptions } from './open-port.js';

/**
 * Makes a server listen at a path with mode 0600. Replaces a socket on which no process is
 * listening.
 *
 * @throws Error with the system's `code`: EADDRINUSE if a process is listening at the path, or if
 * the path is not a socket
 */
export type BindSocketFile = (server: Server, path: string) => Promise<void>;

/** A Unix socket to listen on. */
export interface SocketFile {
  readonly path: string;
  readonly bind: BindSocketFile;
}

/**
 * The maximum length in bytes of a path, which differs between systems (104 bytes with NUL on
 * macOS, 108 on Linux).
 */
const MAX_PATH_LENGTH = 103;

/**
 * Opens the socket. Later server errors are logged.
 *
 * @returns the address as `unix:` and the path
 * @throws UserError if the socket cannot be opened
 */
export async function openSocketFile(
  server: Server,
  { path, bind }: SocketFile,
  { flag, log }: Pick<PortOptions, 'flag' | 'log'>,
): Promise<string> {
  const address = `unix:${path}`;
  if (Buffer.byteLength(path) > MAX_PATH_LENGTH) throw tooLong(address, flag);
  try {
    await bind(server, path);
  } catch (error) {
    throw bindError(address, flag, error as NodeJS.ErrnoException);
  }
  server.on('error', (error) => log.error({ error: error.message }, 'the listener failed'));
  return address;
}

function tooLong(address: string, flag: string): UserError {
  return new UserError('usage', {
    what: `cannot listen on ${address} (${flag})`,
    why: `the path of a Unix socket must not be longer than ${MAX_PATH_LENGTH} bytes`,
    next: ['Choose a shorter path.'],
  });
}

const REASONS: Readonly<Record<string, { readonly why: string; readonly next: string }>> = {
  EADDRINUSE: {
    why: 'a program is listening on this path, or the path is not a socket',
    next: 'Stop the program, or choose another path.',
  },
  ENOENT: { why: 'the folder does not exist', next: 'Create the folder, or choose another path.' },
  ENOTDIR: { why: 'a part of the path is not a folder', next: 'Choose another path.' },
};

function bindError(address: string, flag: string, error: NodeJS.ErrnoException): UserError {
  const kind: FailureKind = isDenied(error) ? 'permission' : 'failed';
  const { why, next } = REASONS[error.code ?? ''] ?? {
    why: isDenied(error) ? 'this user may not create the socket' : error.message,
    next: 'Choose a path in a folder to which this user can write.',
  };
  const what = `cannot listen on ${address} (${flag})`;
  return new UserError(kind, { what, why, next: [next], cause: error });
}
