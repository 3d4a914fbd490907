/** Runs what it is given one after the other, whatever becomes of each. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** What the task gives, or throws, when it has had its turn. */
  run<Outcome>(task: () => Promise<Outcome>): Promise<Outcome> {
    const outcome = this.#last.then(task);
    this.#last = outcome.catch(() => undefined);
    return outcome;
  }
}
