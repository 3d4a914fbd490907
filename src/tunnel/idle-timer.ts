import type { Clock, Timer } from '../ports/clock.js';

/** The parts of the clock that the timer uses. */
export type IdleTimerHost = Pick<Clock, 'now' | 'startTimer'>;

/**
 * Calls `onIdle` once after a period without activity. touch() is cheap: it only reads the clock.
 */
export class IdleTimer {
  readonly #host: IdleTimerHost;
  readonly #onIdle: () => void;
  #timeout = 0;
  #activeAt = 0;
  #timer: Timer | undefined;

  constructor(host: IdleTimerHost, onIdle: () => void) {
    this.#host = host;
    this.#onIdle = onIdle;
  }

  /** @param timeout milliseconds without activity until `onIdle` is called; 0 for never */
  start(timeout: number): void {
    this.stop();
    this.#timeout = timeout;
    if (timeout === 0) return;
    this.#activeAt = this.#host.now();
    this.#arm(timeout);
  }

  /** Records activity, which restarts the timeout, even if `onIdle` was already called. */
  touch(): void {
    if (this.#timeout === 0) return;
    this.#activeAt = this.#host.now();
    if (this.#timer === undefined) this.#arm(this.#timeout);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timeout = 0;
  }

  #arm(delay: number): void {
    this.#timer = this.#host.startTimer(delay, () => {
      this.#timer = undefined;
      const left = this.#activeAt + this.#timeout - this.#host.now();
      if (left > 0) this.#arm(left);
      else this.#onIdle();
    });
  }
}
