import { abortable } from '../../lib/waits.js';
import type { Clock, Timer } from '../../ports/clock.js';
import type { TunnelError } from '../tunnel-error.js';

/** Those who wait for the next handshake. */
export class HandshakeWaits {
  readonly #clock: Clock;
  /** Each is called at the next handshake, or with why there will be none. */
  readonly #waits = new Set<(failure?: TunnelError) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param deadline the `now` of the clock at which the wait ends; Infinity waits for ever
   * @param explain why there was none by then
   * @throws TunnelError what `explain` or end() says; the reason of `signal`
   */
  wait(deadline: number, explain: () => TunnelError, signal?: AbortSignal): Promise<void> {
    return abortable(signal, (resolve, reject) => {
      const onHandshake = (failure?: TunnelError) =>
        failure === undefined ? resolve() : reject(failure);
      this.#waits.add(onHandshake);
      let timer: Timer | undefined;
      if (deadline !== Infinity) {
        const delay = Math.max(0, deadline - this.#clock.now());
        timer = this.#clock.startTimer(delay, () => reject(explain()));
      }
      return () => {
        timer?.cancel();
        this.#waits.delete(onHandshake);
      };
    });
  }

  /** To be called at a handshake, or with why there will be none. */
  end(failure?: TunnelError): void {
    for (const onHandshake of [...this.#waits]) onHandshake(failure);
  }
}
