/** Tracks the TCP sockets of a tunnel, and drains them when the tunnel closes. */
import type { Clock, Timer } from '../../ports/clock.js';
import type { TcpSocket } from './tcp-socket.js';

/**
 * The time in milliseconds to wait for the peers' FINs after all data has arrived. An RST right
 * after this side's FIN could discard data that a slow reader has not read yet (RFC 1122 4.2.2.13).
 */
const LINGER = 1_000;

export class OpenSockets {
  readonly #clock: Clock;
  readonly #sockets = new Set<TcpSocket>();
  /** The sockets with unacknowledged data or an unacknowledged FIN. */
  readonly #undelivered = new Set<TcpSocket>();
  #onDrained: (() => void) | undefined;
  #timer: { readonly at: number; readonly timer: Timer } | undefined;
  #isLingering = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tracks the socket until its connection has ended, possibly after the end of its stream. */
  add(socket: TcpSocket): void {
    this.#sockets.add(socket);
    socket.onceOver(() => {
      this.#sockets.delete(socket);
      this.check();
    });
  }

  /**
   * Immediately resets connections that the program has not ended, or that have nothing in flight.
   * Resolves when the data and FINs of all other connections are acknowledged, or after the grace
   * period.
   * @param gracePeriod milliseconds; Infinity for no limit
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

  /**
   * Resets all connections immediately.
   *
   * @param error returns the error with which a stream fails
   */
  cut(error: () => Error): void {
    for (const socket of [...this.#sockets]) socket.destroy(error());
  }

  /** Makes a drain in progress end within `gracePeriod` milliseconds. */
  shorten(gracePeriod: number): void {
    if (this.#onDrained === undefined || gracePeriod === Infinity) return;
    const at = this.#clock.now() + gracePeriod;
    if (gracePeriod === 0) this.#finish();
    else if (this.#timer === undefined || at < this.#timer.at) {
      this.#timer?.timer.cancel();
      this.#timer = { at, timer: this.#clock.startTimer(gracePeriod, () => this.#finish()) };
    }
  }

  /** Checks whether the drain is complete. Call this when acknowledgements may have arrived. */
  check(): void {
    if (this.#onDrained === undefined) return;
    for (const socket of this.#undelivered) {
      // One undelivered socket is enough to continue the drain; the others are checked later.
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
