/** Local sockets by node:net, at a path that their owner alone may connect to. */
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';

import type { Conversation, LocalListener, LocalListeners } from '../tunnel/ports.js';
import { isDenied, socketOwner } from './socket-owner.js';

/** More at once are turned away: each may hold a request of some megabytes. */
const MAX_CONVERSATIONS = 16;

/** Milliseconds of silence after which a conversation is ended. */
const LONGEST_SILENCE = 60_000;

/** Begins a name of Linux that is no path, is open to every user, and ends with its socket (unix(7)). */
export const ABSTRACT = '\0';

export const localListeners: LocalListeners = {
  async listen(path, converse) {
    const isAbstract = path.startsWith(ABSTRACT);
    if (!isAbstract) await makeFolder(dirname(path));
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      serve(socket, converse());
    });
    server.maxConnections = MAX_CONVERSATIONS;
    await (isAbstract ? listenAt(server, path) : listenPrivately(server, path));
    return new NodeLocalListener(server, sockets);
  },
};

async function makeFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true });
  // Whatever the umask: others may see that there is a socket, and are told whose it is.
  if (made !== undefined) await chmod(folder, 0o755);
}

class NodeLocalListener implements LocalListener {
  readonly #server: Server;
  readonly #sockets: ReadonlySet<Socket>;

  constructor(server: Server, sockets: ReadonlySet<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
  }

  /** Node removes the path. */
  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

function serve(socket: Socket, conversation: Conversation): void {
  socket.setEncoding('utf8');
  socket.setTimeout(LONGEST_SILENCE, () => socket.destroy());
  // Whoever hangs up wants no answer.
  socket.on('error', () => socket.destroy());
  socket.on('close', () => conversation.close());
  socket.on('data', (text: string) => {
    socket.pause();
    void conversation.handle(text).then((answer) => {
      if (answer !== '') socket.write(answer);
      if (conversation.isOver) socket.destroy();
      else socket.resume();
    });
  });
}

/** Nobody else may connect even in the moment between bind and chmod: the umask says so. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  try {
    await listenAt(server, path);
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    // A file of another kind is nothing that we have left there.
    const isOurs = isTaken && (await lstat(path)).isSocket();
    if (!isOurs) throw error;
    const code = await refusalOf(path);
    // Whether somebody listens is for its owner to know.
    if (isDenied(code)) throw await takenBy(path);
    if (code !== 'ECONNREFUSED' && code !== 'ENOENT') throw error;
    await unlink(path);
    await listenAt(server, path);
  }
  await chmod(path, 0o600);
}

function listenAt(server: Server, path: string): Promise<void> {
  const umask = process.umask(0o177);
  try {
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      // Bound before listen() returns.
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } finally {
    process.umask(umask);
  }
}

/** Why nobody can be reached there; undefined if somebody can. A socket of a killed process refuses. */
function refusalOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

async function takenBy(path: string): Promise<Error> {
  const owner = await socketOwner(path);
  const error = new Error(`${path} is owned by ${owner}`);
  return Object.assign(error, { code: 'EADDRINUSE', owner });
}
