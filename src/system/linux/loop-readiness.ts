/**
 * Waits for file descriptors on the event loop of Node.js itself, through koffi's `uv_poll`. Only
 * the main thread may use it: koffi aborts the process if a poll reports an event in a worker that
 * is ending (docs/decisions/0009-native-descriptors.md).
 */
import type { Libc, Poll, PollEvents } from './libc.js';
import type { Readiness, ReadyHandlers, Watch } from './readiness.js';

export class LoopReadiness implements Readiness {
  readonly #libc: Libc;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  watch(descriptor: number, handlers: ReadyHandlers): Watch {
    return new LoopWatch((wanted, handle) => this.#libc.poll(descriptor, wanted, handle), handlers);
  }
}

type StartPoll = (wanted: PollEvents, handle: (status: number, ready: PollEvents) => void) => Poll;

class LoopWatch implements Watch {
  readonly #startPoll: StartPoll;
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

  constructor(startPoll: StartPoll, handlers: ReadyHandlers) {
    this.#startPoll = startPoll;
    this.#handlers = handlers;
  }

  wantReadable(wanted: boolean): void {
    if (this.#isClosed || wanted === this.#wantsReadable) return;
    this.#wantsReadable = wanted;
    this.#isReadable &&= wanted;
    this.#restart();
  }

  wantWritable(wanted: boolean): void {
    if (this.#isClosed || wanted === this.#wantsWritable) return;
    this.#wantsWritable = wanted;
    this.#isWritable &&= wanted;
    this.#restart();
  }

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
    else if (this.#poll === undefined) this.#poll = this.#startPoll(wanted, this.#onReady);
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
