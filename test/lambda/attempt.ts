import { getEventListeners } from 'node:events';

import type { FakeClock } from '../support/fakes/fake-clock.js';
import { settled } from './fake-tunnel.js';

/** A call that waits, and its current outcome. */
export class Attempt {
  outcome: unknown;
  /** When the call ended. */
  at: number | undefined;
  readonly controller = new AbortController();

  /** @param call the call to begin, with the signal of `controller` */
  static async begin(
    clock: FakeClock,
    call: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<Attempt> {
    const begun = new Attempt();
    const settle = (outcome: unknown) => {
      begun.outcome = outcome;
      begun.at = clock.now();
    };
    call(begun.controller.signal).then(settle, settle);
    await settled();
    return begun;
  }

  get listeners(): number {
    return getEventListeners(this.controller.signal, 'abort').length;
  }
}

/** Advances the clock in steps, so that the handlers of one timer run before the next one fires. */
export async function passTime(clock: FakeClock, duration: number): Promise<void> {
  for (let left = duration; left > 0; left -= 100) {
    clock.advance(Math.min(100, left));
    await settled();
  }
}
