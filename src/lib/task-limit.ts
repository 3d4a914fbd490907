/** Runs a limited number of tasks at once. */
import { abortable } from './waits.js';

export class TaskLimit {
  readonly #most: number;
  #running = 0;
  /** Functions that each start one waiting task, in the order of run(). */
  readonly #waiting = new Set<() => void>();

  /** @param most how many tasks may run at once; at least 1 */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Runs a task when fewer than `most` tasks are running, in the order of the calls. Settles with the
   * task's result.
   *
   * @throws the abort reason if `signal` aborts before the task starts
   */
  run<Outcome>(task: () => Promise<Outcome>, signal?: AbortSignal): Promise<Outcome> {
    return this.#place(signal).then(() => task().finally(this.#passOn));
  }

  #place(signal: AbortSignal | undefined): Promise<undefined> {
    if (this.#running < this.#most) {
      this.#running++;
      return Promise.resolve(undefined);
    }
    return abortable<undefined>(signal, (resolve) => {
      const start = () => resolve(undefined);
      this.#waiting.add(start);
      return () => void this.#waiting.delete(start);
    });
  }

  /** Gives the place of a task that has ended to the next one. */
  readonly #passOn = (): void => {
    const [start] = this.#waiting;
    if (start === undefined) this.#running--;
    else start();
  };
}
