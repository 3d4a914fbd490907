/** A timer that is late by more than this many ms shows that the process did not run. */
const STALL = 10;

/** The time, in ms, for reading the sockets after such a stall. */
const GRACE = 50;

/** Node's longest timer, in ms. A longer one would fire immediately. */
const LONGEST = 2 ** 31 - 1;

/**
 * A deadline that is extended when progress is made. After the process was stopped, input that is
 * pending in a socket counts as progress.
 *
 * An extension only stores the new deadline, because restarting a timer of Node costs much more. The
 * timer may therefore fire before the deadline, and is then started again for the rest of the time.
 */
export class Watchdog {
  readonly #onExpire: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** The deadline, as a performance.now() value. */
  #due = 0;
  /** The deadline for which the timer was started. It fires earlier if this is beyond LONGEST. */
  #firesAt = 0;
  /** Whether the deadline has already passed, and was extended only by GRACE. */
  #isOverdue = false;

  constructor(onExpire: () => void) {
    this.#onExpire = onExpire;
  }

  /** Calls the handler in `limit` ms, unless armed again or stopped before then. */
  arm(limit: number): void {
    const now = performance.now();
    this.#due = now + limit;
    this.#isOverdue = false;
    if (this.#timer === undefined || this.#due < this.#firesAt) this.#start(limit);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #start(left: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = this.#due;
    this.#timer = setTimeout(() => this.#fire(), Math.min(left, LONGEST));
  }

  #fire(): void {
    this.#timer = undefined;
    const now = performance.now();
    if (now < this.#due) this.#start(this.#due - now);
    else if (this.#isOverdue || now - this.#due <= STALL) this.#onExpire();
    else {
      this.arm(GRACE);
      this.#isOverdue = true;
    }
  }
}
