/** Runs tasks one after another. A failed task does not stop the next one. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Queues a task. The promise settles with the task's result. */
  run<Outcome>(task: () => Promise<Outcome>): Promise<Outcome> {
    const outcome = this.#last.then(task);
    this.#last = outcome.catch(() => undefined);
    return outcome;
  }
}
