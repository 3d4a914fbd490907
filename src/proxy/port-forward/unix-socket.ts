/** Opens a Unix socket for local clients. */
import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';

import { codeOf, isDenied, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';

/**
 * Listens at a path to which only the current user can connect. Replaces the socket of a process
 * that no longer runs, but no other file. Node.js removes the path when the server closes.
 *
 * @param flag the flag that sets the path
 * @throws UserError of kind `failed` or `permission`
 */
export async function openUnixSocket(server: Server, path: string, flag: string): Promise<void> {
  try {
    await listenOrReplace(server, path);
  } catch (error) {
    const isPossible = await lstat(dirname(path)).then(
      (folder) => folder.isDirectory(),
      () => false,
    );
    throw new UserError(isPossible && isDenied(error) ? 'permission' : 'failed', {
      what: `cannot listen on ${path} (${flag})`,
      why: isPossible
        ? (REASONS[codeOf(error) ?? ''] ?? messageOf(error))
        : // libuv reports EACCES in this case.
          'the folder does not exist',
      next: ['Choose another path, in a folder that exists and that you can write.'],
      cause: error,
    });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the path is in use',
  EACCES: 'permission denied',
};

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
