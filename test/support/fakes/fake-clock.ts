import type { Clock, Timer } from '../../../src/ports/clock.js';

interface Waiting {
  readonly at: number;
  readonly handler: () => void;
}

/** A clock that only a test advances. `settle` runs deferred calls. */
export class FakeClock implements Clock {
  #now = 1_000;
  #timers = new Set<Waiting>();
  #deferred: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  startTimer(delay: number, handler: () => void): Timer {
    const timer = { at: this.#now + delay, handler };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  defer(handler: () => void): void {
    this.#deferred.push(handler);
  }

  /** The number of armed timers. */
  get armed(): number {
    return this.#timers.size;
  }

  /** Runs the calls that are deferred now, without those that they defer. */
  settleOnce(): void {
    for (let count = this.#deferred.length; count > 0; count--) this.#deferred.shift()!();
  }

  settle(): void {
    while (this.#deferred.length > 0) this.#deferred.shift()!();
  }

  /** Advances the time without firing timers, as if the process were suspended. */
  skip(duration: number): void {
    this.#now += duration;
  }

  /** Fires due timers in order, without what they defer, like an event loop's timer phase. */
  fire(): void {
    for (const timer of [...this.#timers].sort((left, right) => left.at - right.at)) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.handler();
    }
  }

  /** Advances the time by `duration` and fires due timers in order. */
  advance(duration: number): void {
    const until = this.#now + duration;
    this.settle();
    for (;;) {
      const next = [...this.#timers].sort((left, right) => left.at - right.at)[0];
      if (next === undefined || next.at > until) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.handler();
      this.settle();
    }
    this.#now = until;
  }
}
