import type { SoracomClock } from '../../src/soracom/client/options.js';

/** A clock that advances only in pauses, and then at once. */
export class InstantClock implements SoracomClock {
  /** The pauses so far, in milliseconds. */
  readonly pauses: number[] = [];
  /** Called in each pause. */
  onPause: () => void = () => undefined;
  #now = 1000;

  now(): number {
    return this.#now;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }

  sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    this.pauses.push(milliseconds);
    this.#now += milliseconds;
    this.onPause();
    return signal?.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve();
  }
}
