/** Local sockets with node:net, at a path to which only the path's owner can connect. */
import { once } from 'node:events';
import { chmod, lstat, mkdir, stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

import { makeRoom, markUsed } from '../../lib/oldest-idle.js';
import { codeOf, isDenied } from '../../lib/errors/error-message.js';
import type {
  Conversation,
  LocalListener,
  LocalListeners,
  LocalListenOptions,
} from '../../ports/local-sockets.js';
import { socketOwner } from './socket-owner.js';

/**
 * The maximum number of conversations, because each may buffer a request of several megabytes. At
 * the limit, the oldest idle conversation is closed.
 */
const MAX_CONVERSATIONS = 16;

/** A conversation is closed after this many milliseconds without traffic. */
const LONGEST_SILENCE = 60_000;

/**
 * The first byte of an abstract socket name, which is not a path (unix(7)). Every user can connect
 * to such a socket, and its name disappears with it.
 */
export const ABSTRACT = '\0';

export const localListeners: LocalListeners = createLocalListeners();

export function createLocalListeners({
  maxConversations = MAX_CONVERSATIONS,
  longestSilence = LONGEST_SILENCE,
} = {}): LocalListeners {
  return { listen };

  async function listen(
    path: string,
    converse: () => Conversation,
    options: LocalListenOptions = {},
  ): Promise<LocalListener> {
    const most = options.maxConversations ?? maxConversations;
    const isAbstract = path.startsWith(ABSTRACT);
    if (!isAbstract) await makeFolder(dirname(path));
    const served = new Map<Socket, Served>();
    const taken = new Set<Socket>();
    const server = createServer((socket) => {
      if (!makeRoom(served, most)) {
        socket.destroy();
        return;
      }
      const conversation = new Served(socket, converse(), {
        onRequest: () => markUsed(served, socket),
        onTakenOver: () => {
          served.delete(socket);
          taken.add(socket);
        },
      });
      served.set(socket, conversation);
      socket.setTimeout(longestSilence, () => socket.destroy());
      socket.on('close', () => {
        served.delete(socket);
        taken.delete(socket);
      });
    });
    await (isAbstract ? listenAt(server, path) : bindSocketFile(server, path));
    return { close: () => close(server, served.keys(), taken) };
  }
}

async function makeFolder(folder: string): Promise<void> {
  // Set a mode that, with any umask, prevents others from writing to parents such as ~/.local.
  const made = await mkdir(folder, { recursive: true, mode: 0o755 });
  // Allow other users to see the socket and its owner.
  if (made !== undefined) await chmod(folder, 0o755);
}

/** Closes the listener; Node.js removes the path. */
async function close(
  server: Server,
  sockets: Iterable<Socket>,
  taken: ReadonlySet<Socket>,
): Promise<void> {
  for (const socket of sockets) socket.destroy();
  server.close();
  // The 'close' event would wait for the connections that were taken over.
  if (taken.size === 0) await once(server, 'close');
}

/** A conversation with one client, which handles one request at a time. */
class Served {
  isBusy = false;
  readonly #socket: Socket;
  readonly #conversation: Conversation;
  readonly #events: ServedEvents;
  /** Used instead of setEncoding(), because a connection that is taken over carries bytes. */
  readonly #decoder = new StringDecoder('utf8');
  readonly #onData = (bytes: Buffer): void => void this.#take(this.#decoder.write(bytes));
  readonly #onDrain = (): void => void this.#socket.resume();
  readonly #onClose = (): void => this.#conversation.close();

  constructor(socket: Socket, conversation: Conversation, events: ServedEvents) {
    this.#socket = socket;
    this.#conversation = conversation;
    this.#events = events;
    // A client that disconnects does not need a response.
    socket.on('error', () => socket.destroy());
    socket.on('close', this.#onClose).on('data', this.#onData).on('drain', this.#onDrain);
  }

  async #take(text: string): Promise<void> {
    const socket = this.#socket;
    this.isBusy = true;
    this.#events.onRequest();
    socket.pause();
    const answer = await this.#conversation.handle(text);
    this.isBusy = false;
    // Do not read further requests from a client that does not read its responses.
    const hasRoom = answer === '' || socket.write(answer);
    if (this.#conversation.isOver) socket.destroy();
    else if (this.#conversation.takeOver !== undefined && !socket.destroyed) this.#handOver();
    else if (hasRoom) socket.resume();
  }

  #handOver(): void {
    const socket = this.#socket;
    socket.off('close', this.#onClose).off('data', this.#onData).off('drain', this.#onDrain);
    socket.setTimeout(0);
    this.#events.onTakenOver();
    this.#conversation.takeOver?.(socket);
    this.#conversation.close();
  }
}

interface ServedEvents {
  readonly onRequest: () => void;
  readonly onTakenOver: () => void;
}

/**
 * Listens at a path with mode 0600. Replaces a socket on which no process is listening. The umask
 * prevents other users from connecting even between bind and chmod.
 *
 * @throws Error with the system's `code`: EADDRINUSE if a process is listening at the path, or if
 * the path is not a socket; ENOENT if its folder does not exist
 */
async function bindSocketFile(server: Server, path: string): Promise<void> {
  // Check the folder, because listen() reports a missing one as EACCES.
  await stat(dirname(path));
  try {
    await listenAt(server, path);
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    // If the path is not a socket, arctun did not create it.
    const isOurs = isTaken && (await lstat(path)).isSocket();
    if (!isOurs) throw error;
    const code = await refusalOf(path);
    // Only the socket's owner can find out whether a process is listening.
    if (isDenied({ code })) throw await takenBy(path);
    if (code !== 'ECONNREFUSED' && code !== 'ENOENT') throw error;
    await unlink(path);
    await listenAt(server, path);
  }
  await chmod(path, 0o600);
}

function listenAt(server: Server, path: string): Promise<unknown> {
  const umask = process.umask(0o177);
  try {
    // The socket is bound before listen() returns.
    return once(server.listen(path), 'listening');
  } finally {
    process.umask(umask);
  }
}

/**
 * Returns why no process answers at the path; undefined if a process answers. A killed process
 * leaves a socket that refuses connections.
 */
async function refusalOf(path: string): Promise<string | undefined> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return undefined;
  } catch (error) {
    return codeOf(error);
  } finally {
    socket.destroy();
  }
}

async function takenBy(path: string): Promise<Error> {
  const owner = await socketOwner(path);
  const error = new Error(`${path} is owned by ${owner}`);
  return Object.assign(error, { code: 'EADDRINUSE', owner });
}
