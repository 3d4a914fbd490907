import { terminate } from '../events.js';
import type { Tcb } from '../tcb.js';

/** The connections in TIME-WAIT. If the limit is exceeded, the oldest connection ends early. */
export class TimeWaits {
  readonly #limit: number;
  /** The connections in the order in which they entered TIME-WAIT. */
  readonly #tcbs = new Set<Tcb>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#tcbs.size;
  }

  /** Adds a connection; ends the oldest one if the limit is exceeded. */
  add(tcb: Tcb): void {
    this.#tcbs.add(tcb);
    if (this.#tcbs.size <= this.#limit) return;
    for (const oldest of this.#tcbs) {
      terminate(oldest, 'normal');
      return;
    }
  }

  remove(tcb: Tcb): void {
    this.#tcbs.delete(tcb);
  }
}
