/** The queue between a channel that receives items at any time and a caller that waits for them. */
import type { Clock } from '../ports/clock.js';
import { abortable } from './waits.js';

/** The maximum number of items that wait for receive(); further items are dropped. */
const MAX_WAITING = 64;

/** The handlers of a queue's items and errors. They must not throw. */
export interface ReceiveHandlers<Item, Fault extends Error = Error> {
  readonly onItem: (item: Item) => void;
  readonly onError: (error: Fault) => void;
}

export class ReceiveQueue<Item, Fault extends Error = Error> {
  readonly #timers: Pick<Clock, 'startTimer'>;
  #waiting: Item[] = [];
  /** The error that the next receive() throws. */
  #failure: Fault | undefined;
  #end: Fault | undefined;
  #receiver: ReceiveHandlers<Item, Fault> | undefined;
  #subscriber: ReceiveHandlers<Item, Fault> | undefined;

  /** @param timers starts the timers of receive() */
  constructor(timers: Pick<Clock, 'startTimer'>) {
    this.#timers = timers;
  }

  /** The error after end() or close(); undefined before. */
  get ended(): Fault | undefined {
    return this.#end;
  }

  /** Adds an item. Drops it if too many items wait, or after end() or close(). */
  push(item: Item): void {
    if (this.#end !== undefined) return;
    const handlers = this.#receiver ?? this.#subscriber;
    if (handlers !== undefined) handlers.onItem(item);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(item);
  }

  /**
   * Makes one receive() fail: the pending call, or the first one after the waiting items. Has no
   * effect after end() or close().
   */
  fail(error: Fault): void {
    if (this.#end !== undefined) return;
    const handlers = this.#receiver ?? this.#subscriber;
    if (handlers !== undefined) handlers.onError(error);
    else this.#failure = error;
  }

  /** Makes every receive() fail after the waiting items. Has no effect after the first call. */
  end(error: Fault): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    (this.#receiver ?? this.#subscriber)?.onError(error);
  }

  /** Drops the waiting items and the subscriber, and makes every receive() fail from now on. */
  close(error: Fault): void {
    this.#end = error;
    this.#waiting = [];
    this.#failure = undefined;
    this.#subscriber = undefined;
    this.#receiver?.onError(error);
  }

  /**
   * Returns the next item; undefined after the timeout. Only one call may be pending.
   *
   * @param timeout milliseconds
   * @param signal aborts the wait; the promise then rejects with the abort reason
   * @throws the error of fail(), end() or close()
   */
  receive(timeout: number, signal?: AbortSignal): Promise<Item | undefined> {
    if (this.#receiver !== undefined)
      throw new TypeError('only one receive() call is allowed at a time');
    return abortable<Item | undefined>(signal, (resolve, reject) => {
      if (this.#waiting.length > 0) {
        resolve(this.#waiting.shift());
        return undefined;
      }
      const error = this.#failure ?? this.#end;
      this.#failure = undefined;
      if (error !== undefined) {
        reject(error);
        return undefined;
      }
      const timer = this.#timers.startTimer(timeout, () => resolve(undefined));
      this.#receiver = { onItem: resolve, onError: reject };
      return () => {
        timer.cancel();
        this.#receiver = undefined;
      };
    });
  }

  /** Passes the waiting items, and each further item and error, to the handlers. */
  subscribe(handlers: ReceiveHandlers<Item, Fault>): void {
    this.#subscriber = handlers;
    for (const item of this.#waiting.splice(0)) handlers.onItem(item);
    const error = this.#failure ?? this.#end;
    this.#failure = undefined;
    if (error !== undefined) handlers.onError(error);
  }
}
