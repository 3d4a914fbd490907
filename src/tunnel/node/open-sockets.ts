/** The TCP sockets of a tunnel, and how they come to their end with it. */
import type { Clock, Timer } from '../../ports/clock.js';
import type { TcpSocket } from './tcp-socket.js';

/**
 * When all has arrived, for the other sides to end, too: a reset that came right behind our end could
 * take from a slow reader what it has not read yet (RFC 1122 4.2.2.13).
 */
const LINGER = 1_000;

export class OpenSockets {
  readonly #clock: Clock;
  readonly #sockets = new Set<TcpSocket>();
  /** Those whose bytes or end have not arrived. */
  readonly #undelivered = new Set<TcpSocket>();
  #onDrained: (() => void) | undefined;
  #timer: { readonly at: number; readonly timer: Timer } | undefined;
  #isLingering = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Knows the socket until its connection is over, which may be later than its stream. */
  add(socket: TcpSocket): void {
    this.#sockets.add(socket);
    socket.onceOver(() => {
      this.#sockets.delete(socket);
      this.check();
    });
  }

  /**
   * Resets at once what the program has not ended, and what has nothing under way. Resolves when all
   * that was written to the others, and their ends, have been acknowledged, or when the time is over.
   *
   * @param gracePeriod ms; Infinity for no bound
   */
  drain(gracePeriod: number): Promise<void> {
    for (const socket of [...this.#sockets]) {
      if (!socket.isDelivered) this.#undelivered.add(socket);
      else if (!socket.awaitsEnd) socket.abort();
    }
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.shorten(gracePeriod);
      this.check();
    });
  }

  /** Ends a drain in `gracePeriod` ms, where it would not end before. */
  shorten(gracePeriod: number): void {
    if (this.#onDrained === undefined || gracePeriod === Infinity) return;
    const at = this.#clock.now() + gracePeriod;
    if (gracePeriod === 0) this.#finish();
    else if (this.#timer === undefined || at < this.#timer.at) {
      this.#timer?.timer.cancel();
      this.#timer = { at, timer: this.#clock.startTimer(gracePeriod, () => this.#finish()) };
    }
  }

  /** To be called when acknowledgements may have come. */
  check(): void {
    if (this.#onDrained === undefined) return;
    for (const socket of this.#undelivered) {
      // The others need not be looked at before this one is done.
      if (!socket.isDelivered) return;
      this.#undelivered.delete(socket);
    }
    if (![...this.#sockets].some(({ awaitsEnd }) => awaitsEnd)) this.#finish();
    else if (!this.#isLingering) {
      this.#isLingering = true;
      this.shorten(LINGER);
    }
  }

  #finish(): void {
    this.#timer?.timer.cancel();
    this.#onDrained?.();
    this.#onDrained = undefined;
  }
}
