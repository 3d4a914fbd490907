/** A deadline that is extended when progress is made. */
export class Watchdog {
  readonly #onExpire: () => void;
  #timer: NodeJS.Timeout | undefined;
  #limit = 0;

  constructor(onExpire: () => void) {
    this.#onExpire = onExpire;
  }

  /** Calls the handler in `limit` ms, unless armed again or stopped before then. */
  arm(limit: number): void {
    if (this.#timer !== undefined && limit === this.#limit) {
      this.#timer.refresh();
      return;
    }
    this.stop();
    this.#limit = limit;
    this.#timer = setTimeout(this.#onExpire, limit);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
