/** Runs tasks with a limit on how many run at the same time. */
export class TaskLimit {
  readonly #most: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Runs a task when its turn has come. The promise settles with the task's result. */
  async run<Outcome>(task: () => Promise<Outcome>): Promise<Outcome> {
    if (this.#running >= this.#most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // The next task runs instead of this one, so the count stays.
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
