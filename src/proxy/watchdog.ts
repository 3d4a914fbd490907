/** A deadline that progress pushes away. */
export class Watchdog {
  readonly #onExpire: () => void;
  #timer: NodeJS.Timeout | undefined;
  #limit = 0;

  constructor(onExpire: () => void) {
    this.#onExpire = onExpire;
  }

  /** Expires `limit` ms from now, unless it is armed again or stopped before. */
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
