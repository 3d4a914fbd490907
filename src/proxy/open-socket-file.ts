/** Opens a server on a Unix socket, to which only its owner can connect. */
import { once } from 'node:events';
import { lstat, stat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';

import { codeOf, isDenied } from '../lib/errors/error-message.js';
import { UserError } from '../lib/errors/user-error.js';
import type { PortOptions } from './open-port.js';

/** A Unix socket in the file system. */
export interface SocketPath {
  readonly path: string;
}

/**
 * The maximum length in bytes of a path, which differs between systems (104 bytes with NUL on
 * macOS, 108 on Linux).
 */
const MAX_PATH_LENGTH = 103;

/**
 * Opens the socket, as openAtPath() does.
 *
 * @returns the address as `unix:` and the path
 * @throws UserError if the socket cannot be opened
 */
export async function openSocketFile(
  server: Server,
  { path }: SocketPath,
  options: Pick<PortOptions, 'flag' | 'log'>,
): Promise<string> {
  const address = `unix:${path}`;
  if (Buffer.byteLength(path) > MAX_PATH_LENGTH) {
    throw new UserError('usage', {
      what: `cannot listen on ${address} (${options.flag})`,
      why: `the path of a Unix socket must not be longer than ${MAX_PATH_LENGTH} bytes`,
      next: ['Choose a shorter path.'],
    });
  }
  await openAtPath(server, path, address, options);
  return address;
}

/**
 * Listens at a path with mode 0600. Replaces a socket on which no process is listening, but no
 * other file. Node.js removes the path when the server closes. Later server errors are logged.
 *
 * @param name the path as messages show it
 * @throws UserError of kind `failed` or `permission`
 */
export async function openAtPath(
  server: Server,
  path: string,
  name: string,
  { flag, log }: Pick<PortOptions, 'flag' | 'log'>,
): Promise<void> {
  try {
    // Check the folder, because listen() reports a missing one as EACCES.
    await stat(dirname(path));
    await listenOrReplace(server, path);
  } catch (error) {
    throw bindError(`cannot listen on ${name} (${flag})`, error as NodeJS.ErrnoException);
  }
  server.on('error', (error) => log.error({ error: error.message }, 'the listener failed'));
}

const REASONS: Readonly<Record<string, { readonly why: string; readonly next: string }>> = {
  EADDRINUSE: {
    why: 'a program is listening on this path, or the path is not a socket',
    next: 'Stop the program, or choose another path.',
  },
  ENOENT: { why: 'the folder does not exist', next: 'Create the folder, or choose another path.' },
  ENOTDIR: { why: 'a part of the path is not a folder', next: 'Choose another path.' },
};

function bindError(what: string, error: NodeJS.ErrnoException): UserError {
  const { why, next } = REASONS[error.code ?? ''] ?? {
    why: isDenied(error) ? 'this user may not create the socket' : error.message,
    next: 'Choose a path in a folder to which this user can write.',
  };
  const kind = isDenied(error) ? 'permission' : 'failed';
  return new UserError(kind, { what, why, next: [next], cause: error });
}

async function listenOrReplace(server: Server, path: string): Promise<void> {
  try {
    await listenPrivately(server, path);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || !(await isAbandoned(path))) throw error;
    await unlink(path);
    await listenPrivately(server, path);
  }
}

/** Listens with a umask that prevents other users from connecting. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  const umask = process.umask(0o177);
  let listening: Promise<unknown>;
  try {
    // The socket is bound before listen() returns.
    listening = once(server.listen(path), 'listening');
  } finally {
    process.umask(umask);
  }
  await listening;
}

/** Whether the path is a socket at which no process is listening. */
async function isAbandoned(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false;
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return codeOf(error) === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}
