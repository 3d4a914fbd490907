/** Tracks the TCP sockets of a tunnel, and drains them when it closes. */
import type { Clock, Timer } from '../../ports/clock.js';
import type { TcpSocket } from './tcp-socket.js';

/**
 * How long, in ms, to wait for the peers' FINs after all data has arrived: an RST right after this
 * side's FIN could discard data that a slow reader has not read yet (RFC 1122 4.2.2.13).
 */
const LINGER = 1_000;

export class OpenSockets {
  readonly #clock: Clock;
  readonly #sockets = new Set<TcpSocket>();
  /** The sockets whose data or FIN has not been acknowledged. */
  readonly #undelivered = new Set<TcpSocket>();
  #onDrained: (() => void) | undefined;
  #timer: { readonly at: number; readonly timer: Timer } | undefined;
  #isLingering = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tracks the socket until its connection has ended, which may be later than its stream. */
  add(socket: TcpSocket): void {
    this.#sockets.add(socket);
    socket.onceOver(() => {
      this.#sockets.delete(socket);
      this.check();
    });
  }

  /**
   * Resets at once the connections that the program has not ended or that have nothing in flight.
   * Resolves when all data and FINs of the others are acknowledged, or after the grace period.
   *
   * @param gracePeriod ms; Infinity for no limit
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

  /** Limits the rest of a drain to `gracePeriod` ms. */
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
      // One undelivered socket suffices; the others are checked later.
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
