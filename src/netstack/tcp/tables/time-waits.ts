import { terminate } from '../events.js';
import type { Tcb } from '../tcb.js';

/** The connections in TIME-WAIT: no more than a limit, beyond which the oldest makes room. */
export class TimeWaits {
  readonly #limit: number;
  /** In the order in which they came. */
  readonly #tcbs = new Set<Tcb>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#tcbs.size;
  }

  /** A connection waits for 2 MSL; where that is one too many, the oldest ends before its time. */
  add(tcb: Tcb): void {
    this.#tcbs.add(tcb);
    if (this.#tcbs.size <= this.#limit) return;
    for (const oldest of this.#tcbs) {
      terminate(oldest, 'normal');
      return;
    }
  }

  /** The connection is gone, or was never here. */
  remove(tcb: Tcb): void {
    this.#tcbs.delete(tcb);
  }
}
