/**
 * Waits for file descriptors that the event loop of Node.js does not accept. A single
 * epoll_wait(2), on a thread of libuv's pool, serves all descriptors. The call runs only while
 * events are wanted, and is otherwise ended through an eventfd. Unlike poll, epoll allows arming
 * and closing a descriptor during the wait: poll must be woken up for each change, and keeps a
 * descriptor open after close().
 */
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EventQueue,
  type ReadyEvent,
} from './event-queue.js';
import { IdleShare } from './idle-share.js';
import type { Libc } from './libc.js';
import type { Readiness, ReadyHandlers, Watch } from './readiness.js';

/**
 * How long this thread itself waits for the next event, in ms, before a thread of the pool waits
 * instead. All other input of this thread, such as timers and messages, is delayed by up to this
 * time.
 */
const OWN_WAIT = 5;

/** Works in every thread, including workers. */
export class ThreadReadiness implements Readiness {
  readonly #libc: Libc;
  readonly #watches = new Map<number, WatchedDescriptor>();
  #lastId = 0;
  #queue: EventQueue | undefined;
  #isWaiting = false;
  #isWoken = false;
  /** Whether events are being handled, after which there is another look or a wait. */
  #isHandling = false;
  /** The next look for events on this thread. */
  #look: NodeJS.Immediate | undefined;
  readonly #idleShare = new IdleShare(performance.now());

  constructor(libc: Libc) {
    this.#libc = libc;
  }

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
    // Node.js joins the pool's threads when it exits, so an endless wait would block the exit.
    process.on('exit', this.#wake);
    return queue;
  }

  #changed(): void {
    if (!this.#isWanted()) this.#wake();
    else if (!this.#isWaiting && !this.#isHandling && this.#look === undefined) this.#wait();
    this.#closeIfUnused();
  }

  #wait(): void {
    this.#isWaiting = true;
    const idleBefore = idleTime();
    this.#queue?.wait((ready) => {
      this.#isWaiting = false;
      this.#isWoken = false;
      // This thread may have worked during the wait of the pool's thread.
      this.#idleShare.waited(idleTime() - idleBefore, performance.now());
      this.#handle(ready);
    });
  }

  #handle(ready: readonly ReadyEvent[]): void {
    this.#isHandling = true;
    try {
      for (const { id, events } of ready) this.#watches.get(id)?.handle(events);
    } finally {
      this.#isHandling = false;
      // More events are likely, and a round trip to the pool's thread takes longer than a look. What
      // the handlers have deferred comes first, because the look may wait.
      if (ready.length > 0) this.#look = setImmediate(this.#lookAgain);
    }
    this.#changed();
  }

  readonly #lookAgain = (): void => {
    this.#look = undefined;
    this.#handle(this.#poll());
  };

  /**
   * An own wait ends sooner after an event than a wait of the pool. Under load, however, the later
   * end is better, because more packets have arrived by then, and are handled together.
   */
  #poll(): readonly ReadyEvent[] {
    const mayWait = this.#idleShare.isHigh && this.#isWanted() && !this.#hasTurns();
    if (!mayWait) return this.#queue?.poll(0) ?? [];
    const began = performance.now();
    const ready = this.#queue?.poll(OWN_WAIT) ?? [];
    const ended = performance.now();
    this.#idleShare.waited(ended - began, ended);
    return ready;
  }

  /** Whether a reader continues in the next turn, which a wait would delay. */
  #hasTurns(): boolean {
    for (const watched of this.#watches.values()) if (watched.hasTurn) return true;
    return false;
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
    clearImmediate(this.#look);
    this.#look = undefined;
    process.off('exit', this.#wake);
    this.#queue.close();
    this.#queue = undefined;
  }
}

/** How long the event loop of this thread has waited, in ms. */
function idleTime(): number {
  return performance.eventLoopUtilization().idle;
}

/** The operations that a watch can perform on its queue. */
interface WatchOwner {
  add(events: number): void;
  modify(events: number): void;
  /** Called when the wanted events change. */
  changed(): void;
  remove(isAdded: boolean): void;
}

/** Tracks which events are wanted from a descriptor, and which ones epoll is armed for. */
class WatchedDescriptor implements Watch {
  readonly #handlers: ReadyHandlers;
  readonly #owner: WatchOwner;
  #wantsReadable = false;
  #wantsWritable = false;
  /** The events that epoll will report once; any event disarms all of them (EPOLLONESHOT). */
  #armed = 0;
  #isAdded = false;
  #isClosed = false;
  /** A read scheduled for the next turn, which does not need an event from epoll. */
  #turn: NodeJS.Immediate | undefined;

  constructor(handlers: ReadyHandlers, owner: WatchOwner) {
    this.#handlers = handlers;
    this.#owner = owner;
  }

  /** Whether epoll is armed for a wanted event. */
  get isWaiting(): boolean {
    return (this.#armed & this.#wanted()) !== 0;
  }

  /** Whether the reader continues in the next turn of the event loop. */
  get hasTurn(): boolean {
    return this.#turn !== undefined;
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
    // After an error, call every wanted handler, whose own system call then returns the error.
    const failed = (events & (EPOLLERR | EPOLLHUP)) !== 0;
    if ((failed || (events & EPOLLOUT) !== 0) && this.#wantsWritable) this.#handlers.onWritable();
    if ((failed || (events & EPOLLIN) !== 0) && this.#wantsReadable) this.#read();
    else this.#arm();
  }

  readonly #readAgain = (): void => {
    this.#turn = undefined;
    this.#read();
  };

  #read(): void {
    const hasMore = this.#handlers.onReadable();
    if (hasMore && this.#wantsReadable) {
      this.#turn ??= setImmediate(this.#readAgain);
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
