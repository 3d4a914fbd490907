/** A timer that is late by more than this many ms shows that the process did not run. */
const STALL = 10;

/** The time, in ms, for reading the sockets after such a stall. */
const GRACE = 50;

/**
 * A deadline that is extended when progress is made. After the process was stopped, input that is
 * pending in a socket counts as progress.
 */
export class Watchdog {
  readonly #onExpire: () => void;
  #timer: NodeJS.Timeout | undefined;
  #limit = 0;
  #due = 0;
  /** Whether the deadline has already passed, and was extended only by GRACE. */
  #isOverdue = false;

  constructor(onExpire: () => void) {
    this.#onExpire = onExpire;
  }

  /** Calls the handler in `limit` ms, unless armed again or stopped before then. */
  arm(limit: number): void {
    this.#due = performance.now() + limit;
    this.#isOverdue = false;
    if (this.#timer !== undefined && limit === this.#limit) {
      this.#timer.refresh();
      return;
    }
    this.stop();
    this.#limit = limit;
    this.#timer = setTimeout(() => this.#expire(), limit);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #expire(): void {
    if (this.#isOverdue || performance.now() - this.#due <= STALL) {
      this.#onExpire();
      return;
    }
    this.arm(GRACE);
    this.#isOverdue = true;
  }
}
