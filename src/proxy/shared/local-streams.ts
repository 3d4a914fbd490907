import type { Socket } from 'node:net';

/** Connects to the local socket of another process as a byte stream. */
export interface LocalStreams {
  /**
   * Checks that only this user and root can own or replace the socket, because another user's
   * process may have named the path.
   *
   * @throws Error with the system's `code`: EACCES if another user can, ENOENT …
   */
  check(path: string): Promise<void>;
  /**
   * Connects. Waits up to 3 s while the listener's backlog is full.
   *
   * @throws Error with the system's `code`: ECONNREFUSED or ENOENT if no process is listening,
   * EACCES …
   */
  open(path: string): Promise<Socket>;
}
