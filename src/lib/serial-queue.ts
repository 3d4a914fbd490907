/** Runs tasks one after the other; one that fails does not stop the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Settles as the task does, after its turn. */
  run<Outcome>(task: () => Promise<Outcome>): Promise<Outcome> {
    const outcome = this.#last.then(task);
    this.#last = outcome.catch(() => undefined);
    return outcome;
  }
}
