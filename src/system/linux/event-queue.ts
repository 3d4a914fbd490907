/** Runs epoll(7) on a thread of libuv's pool, to find out which descriptors are ready. */
import { constants } from 'node:os';

import { type Libc, SystemCallError } from './libc.js';
import { LITTLE_ENDIAN } from './machine-word.js';

const EPOLL_CLOEXEC = 0x80000;
const EFD_CLOEXEC = 0x80000;
const EFD_NONBLOCK = 0x800;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;

export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
/** Disarms a descriptor after one event, until it is armed again. */
export const EPOLLONESHOT = 1 << 30;

/** struct epoll_event: `events`, then `data`; packed only on x86. */
const DATA = process.arch === 'x64' || process.arch === 'ia32' ? 4 : 8;
const EVENT_LENGTH = DATA + 8;

/** The maximum number of events that one call returns; the next call returns the others. */
const MAX_EVENTS = 16;

/** The `data` value of the eventfd; watch IDs start at 1. */
const WAKE_UP = 0;

function bindCalls(libc: Libc) {
  return {
    create: libc.bind('int epoll_create1(int)'),
    control: libc.bind('int epoll_ctl(int, int, int, uintptr_t)'),
    wait: libc.bind('int epoll_wait(int, uintptr_t, int, int)'),
    eventfd: libc.bind('int eventfd(unsigned int, int)'),
    read: libc.bind('long read(int, uintptr_t, unsigned long)'),
    write: libc.bind('long write(int, uintptr_t, unsigned long)'),
    close: libc.bind('int close(int)'),
  };
}

export interface ReadyEvent {
  /** The ID that was passed when the descriptor was added. */
  readonly id: number;
  readonly events: number;
}

/**
 * The maximum duration of a wait in milliseconds. If the process crashes, it ends only after the
 * wait, because the waiting thread is not woken up.
 */
const LONGEST_WAIT = 2_000;

/** An epoll descriptor, the eventfd that ends its wait, and the memory that both write to. */
export class EventQueue {
  readonly #libc: Libc;
  readonly #calls: ReturnType<typeof bindCalls>;
  readonly #epoll: number;
  readonly #eventfd: number;
  /**
   * Contains the returned events, then one event to pass to the kernel, then the eventfd's counter.
   */
  readonly #memory = new DataView(new ArrayBuffer((MAX_EVENTS + 1) * EVENT_LENGTH + 8));
  readonly #address: number;

  /** @throws SystemCallError if the process or the system has no free descriptor */
  constructor(libc: Libc) {
    const calls = bindCalls(libc);
    this.#calls = calls;
    this.#libc = libc;
    this.#address = Number(libc.address(new Uint8Array(this.#memory.buffer)));
    this.#epoll = this.#check('epoll_create1', calls.create(EPOLL_CLOEXEC));
    this.#eventfd = calls.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (this.#eventfd < 0) {
      const error = new SystemCallError('eventfd', libc.errno());
      calls.close(this.#epoll);
      throw error;
    }
    this.add(this.#eventfd, EPOLLIN, WAKE_UP);
  }

  /** @param id a 32-bit number above 0, which is returned with the descriptor's events */
  add(descriptor: number, events: number, id: number): void {
    this.#control(EPOLL_CTL_ADD, descriptor, events, id);
  }

  modify(descriptor: number, events: number, id: number): void {
    this.#control(EPOLL_CTL_MOD, descriptor, events, id);
  }

  remove(descriptor: number): void {
    this.#control(EPOLL_CTL_DEL, descriptor, 0, 0);
  }

  #control(operation: number, descriptor: number, events: number, id: number): void {
    const offset = MAX_EVENTS * EVENT_LENGTH;
    this.#memory.setUint32(offset, events, LITTLE_ENDIAN);
    this.#memory.setUint32(offset + DATA, id, LITTLE_ENDIAN);
    const address = this.#address + offset;
    this.#check('epoll_ctl', this.#calls.control(this.#epoll, operation, descriptor, address));
  }

  /**
   * Waits, then calls `handle` on the event loop. If a timeout, a signal or wake() ended the wait,
   * `handle` is called without events.
   */
  wait(handle: (ready: readonly ReadyEvent[]) => void): void {
    this.#calls.wait.async(
      this.#epoll,
      this.#address,
      MAX_EVENTS,
      LONGEST_WAIT,
      (_error, count) => {
        // EINTR: a signal interrupted the wait, so no descriptor is ready, and the wait continues.
        if (count < 0 && this.#libc.errno() !== constants.errno.EINTR) {
          throw new SystemCallError('epoll_wait', this.#libc.errno());
        }
        handle(this.#readyEvents(count));
      },
    );
  }

  /**
   * Returns the available events. If there are none, blocks this thread until there are, or for
   * `timeout` milliseconds. Must not be called during a wait().
   */
  poll(timeout: number): readonly ReadyEvent[] {
    const count = this.#calls.wait(this.#epoll, this.#address, MAX_EVENTS, timeout);
    return this.#readyEvents(count);
  }

  /** Ends the current wait, or the next one. */
  wake(): void {
    const offset = (MAX_EVENTS + 1) * EVENT_LENGTH;
    this.#memory.setBigUint64(offset, 1n, LITTLE_ENDIAN);
    this.#calls.write(this.#eventfd, this.#address + offset, 8);
  }

  close(): void {
    this.#calls.close(this.#eventfd);
    this.#calls.close(this.#epoll);
  }

  /** Copies the events, because the next wait overwrites them. */
  #readyEvents(count: number): ReadyEvent[] {
    const ready: ReadyEvent[] = [];
    for (let index = 0; index < count; index++) {
      const offset = index * EVENT_LENGTH;
      const id = this.#memory.getUint32(offset + DATA, LITTLE_ENDIAN);
      if (id === WAKE_UP) this.#calls.read(this.#eventfd, this.#counterAddress(), 8);
      else ready.push({ id, events: this.#memory.getUint32(offset, LITTLE_ENDIAN) });
    }
    return ready;
  }

  #counterAddress(): number {
    return this.#address + (MAX_EVENTS + 1) * EVENT_LENGTH;
  }

  #check(call: string, result: number): number {
    if (result < 0) throw new SystemCallError(call, this.#libc.errno());
    return result;
  }
}
