/**
 * A connection of a local listener as a byte stream. This type is opaque, because ports do not depend
 * on Node.js: only the proxies, which use node:net themselves, read and write it.
 */
export interface LocalStream {
  destroy(): void;
}

/** A conversation with a local socket's client: receives requests and returns responses. */
export interface Conversation {
  /** Whether the client will not send more input. */
  readonly isOver: boolean;
  /**
   * Returns the response to the next piece of input. Called again only after the promise has
   * settled. Never rejects.
   */
  handle(text: string): Promise<string>;
  /**
   * Checked after each response: if set, this function takes over the connection, which is then no
   * longer part of the conversation.
   */
  readonly takeOver?: ((stream: LocalStream) => void) | undefined;
  /** Called when the client has disconnected. No further calls follow. */
  close(): void;
}

export interface LocalListenOptions {
  /**
   * The maximum number of conversations, 16 by default; at the limit, the oldest idle conversation
   * is closed. Connections that were taken over do not count.
   */
  readonly maxConversations?: number;
}

/** A listening socket at a file system path. */
export interface LocalListener {
  /**
   * Ends all conversations and removes the path. Connections that were taken over continue.
   */
  close(): Promise<void>;
}

export interface LocalListeners {
  /**
   * Listens at an absolute path, for the current user only. Replaces the socket of a dead process,
   * and creates the folder if it is missing.
   *
   * @throws Error with the system's `code`: EADDRINUSE if another process is listening there, or if
   * another user owns the socket; the error then has an `owner`, and the process may be dead.
   * EACCES …
   */
  listen(
    path: string,
    converse: () => Conversation,
    options?: LocalListenOptions,
  ): Promise<LocalListener>;
}

/** Sends requests to the process that listens at a file system path. */
export interface LocalConnections {
  /**
   * Returns the sorted paths in a folder that end in `.sock`; empty if the folder is unreadable.
   */
  list(folder: string): Promise<readonly string[]>;
  /**
   * Sends a request and resolves with the response, which ends with `end`. Settles within 3 s.
   *
   * @throws Error with the system's `code`: ECONNREFUSED or ENOENT if no process is listening,
   * EACCES with the `owner` (`root`), ETIMEDOUT if no response arrives in time, ECONNRESET if the
   * response is incomplete, EMSGSIZE if the response exceeds 16 MiB
   */
  ask(path: string, request: string, end: string): Promise<string>;
}
