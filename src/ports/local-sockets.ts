/** Somebody at the other end of a local socket: text comes, text goes back. */
export interface Conversation {
  /** Nothing more is wanted of the other end. */
  readonly isOver: boolean;
  /** Answers what came; called again when it has settled. Never rejects. */
  handle(text: string): Promise<string>;
  /** The other end is gone: nothing is called any more. */
  close(): void;
}

/** A socket at a path of the file system. */
export interface LocalListener {
  /** Ends all conversations and removes the path. */
  close(): Promise<void>;
}

export interface LocalListeners {
  /**
   * Listens at an absolute path, for the process's own user alone. What a dead process has left there is
   * replaced, and the folder is made where it is missing.
   *
   * @throws Error with the system's `code`: EADDRINUSE where somebody listens there, with `owner` if that
   *   is another user's and may be a dead process's; EACCES …
   */
  listen(path: string, converse: () => Conversation): Promise<LocalListener>;
}

/** Asks who listens at a path of the file system. */
export interface LocalConnections {
  /** The paths in a folder that end in `.sock`, in order; none where the folder cannot be read. */
  list(folder: string): Promise<readonly string[]>;
  /**
   * Sends a request, and resolves with what comes up to `end`, which marks the end of an answer.
   * Settles within 3 s.
   *
   * @throws Error with the system's `code`: ECONNREFUSED and ENOENT where nobody listens, EACCES with the
   *   `owner` (`root`), ETIMEDOUT where no answer is there in time, ECONNRESET where it breaks off, EMSGSIZE where it is
   *   longer than 16 MiB
   */
  ask(path: string, request: string, end: string): Promise<string>;
}
