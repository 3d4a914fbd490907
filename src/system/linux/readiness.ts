/**
 * Waits for file descriptors that Node.js did not open, on its event loop, through koffi's `uv_poll`.
 * Only the main thread may do so: koffi aborts the process if a poll reports an event in a worker that
 * is ending (docs/decisions/0009-native-descriptors.md).
 */
import type { Libc, Poll, PollEvents } from './libc.js';

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

/**
 * A watched descriptor. Initially, no events are wanted. Like Node's sockets, keeps the process alive
 * while events are wanted.
 */
export class Watch {
  readonly #libc: Libc;
  readonly #descriptor: number;
  readonly #handlers: ReadyHandlers;
  #wantsReadable = false;
  #wantsWritable = false;
  /** Reported events that the handlers have not processed yet. */
  #isReadable = false;
  #isWritable = false;
  #poll: Poll | undefined;
  /** Whether libuv has stopped the poll because of an error on the descriptor. */
  #hasFailed = false;
  #turn: NodeJS.Immediate | undefined;
  #isClosed = false;

  /** @param descriptor non-blocking; still owned by the caller */
  constructor(libc: Libc, descriptor: number, handlers: ReadyHandlers) {
    this.#libc = libc;
    this.#descriptor = descriptor;
    this.#handlers = handlers;
  }

  /** Sets whether to call onReadable whenever data can be read. */
  wantReadable(wanted: boolean): void {
    if (this.#isClosed || wanted === this.#wantsReadable) return;
    this.#wantsReadable = wanted;
    this.#isReadable &&= wanted;
    this.#restart();
  }

  /** Sets whether to call onWritable whenever data can be written. */
  wantWritable(wanted: boolean): void {
    if (this.#isClosed || wanted === this.#wantsWritable) return;
    this.#wantsWritable = wanted;
    this.#isWritable &&= wanted;
    this.#restart();
  }

  /** Ends the watch; no handler is called afterwards. Call this before closing the descriptor. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wantsReadable = this.#isReadable = false;
    this.#wantsWritable = this.#isWritable = false;
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#poll?.close();
  }

  #restart(): void {
    const wanted = { readable: this.#wantsReadable, writable: this.#wantsWritable };
    if (!wanted.readable && !wanted.writable) this.#poll?.stop();
    else if (this.#poll === undefined)
      this.#poll = this.#libc.poll(this.#descriptor, wanted, this.#onReady);
    else this.#poll.start(wanted, this.#onReady);
  }

  /**
   * The handlers run in the check phase of the same iteration of the event loop, because Node.js
   * would not run promise callbacks and ticks after a call from here.
   */
  readonly #onReady = (status: number, ready: PollEvents): void => {
    this.#hasFailed = status < 0;
    // After an error, call every wanted handler, whose own system call then returns the error.
    this.#isReadable ||= this.#wantsReadable && (ready.readable || this.#hasFailed);
    this.#isWritable ||= this.#wantsWritable && (ready.writable || this.#hasFailed);
    this.#turn ??= setImmediate(this.#handle);
  };

  readonly #handle = (): void => {
    this.#turn = undefined;
    if (this.#isWritable) {
      this.#isWritable = false;
      this.#handlers.onWritable();
    }
    if (this.#isReadable) this.#read();
    if (this.#hasFailed && !this.#isClosed) {
      this.#hasFailed = false;
      this.#restart();
    }
  };

  #read(): void {
    this.#isReadable = false;
    if (!this.#handlers.onReadable() || !this.#wantsReadable) return;
    this.#isReadable = true;
    this.#turn ??= setImmediate(this.#handle);
  }
}
