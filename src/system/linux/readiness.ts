/** Waits for file descriptors that Node.js did not open. */

export interface ReadyHandlers {
  /**
   * Called when the next read will return data or an error.
   *
   * @returns true if reading stopped before the descriptor was empty. The handler is then called
   * again in the next turn of the event loop, after timers and other input, without a system call.
   */
  onReadable(): boolean;
  /**
   * Called, if the caller wants to write, when there is buffer space or when the next write will
   * return an error.
   */
  onWritable(): void;
}

/** A watched descriptor. Initially, no events are wanted. */
export interface Watch {
  /** Sets whether to call onReadable whenever data can be read. */
  wantReadable(wanted: boolean): void;
  /** Sets whether to call onWritable whenever data can be written. */
  wantWritable(wanted: boolean): void;
  /** Ends the watch; no handler is called afterwards. Call this before closing the descriptor. */
  close(): void;
}

/** Watches descriptors. Like Node's sockets, keeps the process alive while events are wanted. */
export interface Readiness {
  /**
   * @param descriptor non-blocking; still owned by the caller
   * @throws SystemCallError if the system has no free descriptor for the wait itself
   */
  watch(descriptor: number, handlers: ReadyHandlers): Watch;
}
