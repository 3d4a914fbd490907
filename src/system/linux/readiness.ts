/**
 * Waits for file descriptors beside Node's event loop, which takes only its own.
 *
 * One epoll_wait(2) at a time stands on a thread of libuv's pool for all of them, and only while
 * somebody wants something; an eventfd ends it when nobody does any more. It is epoll and not poll,
 * because a descriptor can then be armed and closed under the waiting call: poll would have to be
 * woken for each change, and a descriptor that it holds stays open behind its close().
 */
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLONESHOT, EPOLLOUT, EventQueue } from './event-queue.js';
import type { Libc } from './libc.js';

export interface ReadyHandlers {
  /**
   * Bytes are there, or an error is, which the next read will tell.
   *
   * @returns true where it stopped before the descriptor ran dry: it is called again in the next turn
   *   of the event loop, behind timers and other input, without asking the system
   */
  onReadable(): boolean;
  /** There is room again, or an error, which the next write will tell. Called until it is unwanted. */
  onWritable(): void;
}

/** One descriptor that is waited for. Nothing is wanted at first. */
export interface Watch {
  /** Whether onReadable is called whenever there is something to read. */
  wantReadable(wanted: boolean): void;
  /** Whether onWritable is called whenever there is room to write. */
  wantWritable(wanted: boolean): void;
  /** No handler is called any more. To be called before the descriptor is closed. */
  close(): void;
}

/** Keeps the process alive while something is wanted, as Node's own sockets do. */
export class Readiness {
  readonly #libc: Libc;
  readonly #watches = new Map<number, WatchedDescriptor>();
  #lastId = 0;
  #queue: EventQueue | undefined;
  #isWaiting = false;
  #isWoken = false;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /**
   * @param descriptor non-blocking; stays its owner's
   * @throws SystemCallError where the system has no descriptor left for the wait itself
   */
  watch(descriptor: number, handlers: ReadyHandlers): Watch {
    const queue = (this.#queue ??= this.#open());
    const id = ++this.#lastId;
    const watched = new WatchedDescriptor(handlers, {
      add: (events) => queue.add(descriptor, events, id),
      modify: (events) => queue.modify(descriptor, events, id),
      changed: () => this.#changed(),
      remove: (isAdded) => {
        if (isAdded) queue.remove(descriptor);
        this.#watches.delete(id);
        this.#changed();
      },
    });
    this.#watches.set(id, watched);
    return watched;
  }

  #open(): EventQueue {
    const queue = new EventQueue(this.#libc);
    // Node joins the threads of the pool when it exits: one that waits for ever would hold it.
    process.on('exit', this.#wake);
    return queue;
  }

  #changed(): void {
    if (!this.#isWanted()) this.#wake();
    else if (!this.#isWaiting) this.#wait();
    this.#closeIfUnused();
  }

  #wait(): void {
    this.#isWaiting = true;
    this.#queue?.wait((ready) => {
      this.#isWaiting = false;
      this.#isWoken = false;
      for (const { id, events } of ready) this.#watches.get(id)?.handle(events);
      this.#changed();
    });
  }

  #isWanted(): boolean {
    for (const watched of this.#watches.values()) if (watched.isWaiting) return true;
    return false;
  }

  readonly #wake = (): void => {
    if (!this.#isWaiting || this.#isWoken) return;
    this.#isWoken = true;
    this.#queue?.wake();
  };

  #closeIfUnused(): void {
    if (this.#queue === undefined || this.#isWaiting || this.#watches.size > 0) return;
    process.off('exit', this.#wake);
    this.#queue.close();
    this.#queue = undefined;
  }
}

/** What a watch does with the queue that it stands in. */
interface WatchOwner {
  add(events: number): void;
  modify(events: number): void;
  /** Something is wanted that was not, or the other way round. */
  changed(): void;
  remove(isAdded: boolean): void;
}

/** What is wanted of a descriptor, and what the system has been asked for. */
class WatchedDescriptor implements Watch {
  readonly #handlers: ReadyHandlers;
  readonly #owner: WatchOwner;
  #wantsReadable = false;
  #wantsWritable = false;
  /** What the system will tell, once; an event disarms all of it (EPOLLONESHOT). */
  #armed = 0;
  #isAdded = false;
  #isClosed = false;
  /** Reading goes on in the next turn without the system being asked. */
  #turn: NodeJS.Immediate | undefined;

  constructor(handlers: ReadyHandlers, owner: WatchOwner) {
    this.#handlers = handlers;
    this.#owner = owner;
  }

  /** Whether the system is to tell something that somebody wants. */
  get isWaiting(): boolean {
    return (this.#armed & this.#wanted()) !== 0;
  }

  wantReadable(wanted: boolean): void {
    if (this.#isClosed || wanted === this.#wantsReadable) return;
    this.#wantsReadable = wanted;
    this.#changed();
  }

  wantWritable(wanted: boolean): void {
    if (this.#isClosed || wanted === this.#wantsWritable) return;
    this.#wantsWritable = wanted;
    this.#changed();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wantsReadable = false;
    this.#wantsWritable = false;
    this.#stopTurn();
    this.#owner.remove(this.#isAdded);
  }

  handle(events: number): void {
    this.#armed = 0;
    // Each handler finds out about an error by the call that it makes.
    const failed = (events & (EPOLLERR | EPOLLHUP)) !== 0;
    if ((failed || (events & EPOLLOUT) !== 0) && this.#wantsWritable) this.#handlers.onWritable();
    if ((failed || (events & EPOLLIN) !== 0) && this.#wantsReadable) this.#read();
    else this.#arm();
  }

  #read(): void {
    const hasMore = this.#handlers.onReadable();
    if (hasMore && this.#wantsReadable) {
      this.#turn ??= setImmediate(() => {
        this.#turn = undefined;
        this.#read();
      });
    }
    this.#arm();
    this.#owner.changed();
  }

  #changed(): void {
    if (!this.#wantsReadable) this.#stopTurn();
    this.#arm();
    this.#owner.changed();
  }

  #stopTurn(): void {
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  #wanted(): number {
    const readable = this.#wantsReadable && this.#turn === undefined ? EPOLLIN : 0;
    return readable | (this.#wantsWritable ? EPOLLOUT : 0);
  }

  #arm(): void {
    const wanted = this.#wanted();
    if (this.#isClosed || (wanted & ~this.#armed) === 0) return;
    this.#armed = wanted;
    if (this.#isAdded) this.#owner.modify(wanted | EPOLLONESHOT);
    else this.#owner.add(wanted | EPOLLONESHOT);
    this.#isAdded = true;
  }
}
