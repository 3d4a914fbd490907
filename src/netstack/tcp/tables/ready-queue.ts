import type { Tcb } from '../tcb.js';

/** A FIFO queue of connections that may have something to send, without duplicates. */
export class ReadyQueue {
  #first: Tcb | undefined;
  #last: Tcb | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  push(tcb: Tcb): void {
    if (tcb.ready) return;
    tcb.ready = true;
    if (this.#last === undefined) this.#first = tcb;
    else this.#last.nextReady = tcb;
    this.#last = tcb;
  }

  shift(): Tcb | undefined {
    const tcb = this.#first;
    if (tcb === undefined) return undefined;
    this.#first = tcb.nextReady;
    if (this.#first === undefined) this.#last = undefined;
    tcb.nextReady = undefined;
    tcb.ready = false;
    return tcb;
  }
}
