/** Limits how many tasks run at once. */
import type { Clock } from '../ports/clock.js';
import { abortReason } from './errors/error-message.js';
import { abortable } from './waits.js';

export interface TaskLimitOptions {
  /** How many tasks may run at once; at least 1. */
  readonly most: number;
  /** How long a task counts, so that hung tasks do not stop others; forever by default. */
  readonly patience?: { readonly ms: number; readonly timers: Pick<Clock, 'startTimer'> };
}

export class TaskLimit {
  readonly #options: TaskLimitOptions;
  #running = 0;
  /** Functions that each start one waiting task, in the order of run(). */
  readonly #waiting = new Set<() => void>();

  constructor(options: TaskLimitOptions) {
    this.#options = options;
  }

  /**
   * Runs a task when fewer than `most` tasks count as running, in the order of the calls. Settles
   * with the task's result.
   *
   * @throws the abort reason if `signal` aborts before the task starts
   */
  run<Outcome>(task: () => Promise<Outcome>, signal?: AbortSignal): Promise<Outcome> {
    return this.#place(signal).then(() => this.#start(task));
  }

  #place(signal: AbortSignal | undefined): Promise<undefined> {
    if (signal?.aborted === true) return Promise.reject(abortReason(signal));
    if (this.#running < this.#options.most) {
      this.#running++;
      return Promise.resolve(undefined);
    }
    return abortable<undefined>(signal, (resolve) => {
      const start = () => resolve(undefined);
      this.#waiting.add(start);
      return () => void this.#waiting.delete(start);
    });
  }

  #start<Outcome>(task: () => Promise<Outcome>): Promise<Outcome> {
    let isCounted = true;
    const end = (): void => {
      if (isCounted) this.#passOn();
      isCounted = false;
    };
    const { patience } = this.#options;
    const timer = patience?.timers.startTimer(patience.ms, end);
    return Promise.resolve()
      .then(task)
      .finally(() => {
        timer?.cancel();
        end();
      });
  }

  /** Gives the place of a task that no longer counts to the next one. */
  #passOn(): void {
    const [start] = this.#waiting;
    if (start === undefined) this.#running--;
    else start();
  }
}
