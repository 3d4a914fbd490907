import { abortable } from '../../lib/waits.js';
import type { Clock, Timer } from '../../ports/clock.js';
import type { TunnelError } from '../tunnel-error.js';

/** The pending waits for the next handshake. */
export class HandshakeWaits {
  readonly #clock: Clock;
  /** The callbacks of the waits. They receive the reason if no handshake will happen. */
  readonly #waits = new Set<(failure?: TunnelError) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param deadline the time on the clock at which the wait ends; Infinity waits forever
   * @param explain returns the error for a wait that times out
   * @throws TunnelError from `explain` or end(); the abort reason of `signal`
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

  /** Ends all waits after a handshake, or with the reason why no handshake will happen. */
  end(failure?: TunnelError): void {
    for (const onHandshake of [...this.#waits]) onHandshake(failure);
  }
}
