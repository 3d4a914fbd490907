import { setTimeout } from 'node:timers/promises';

/** The time source for deadlines and pauses. */
export interface SoracomClock {
  /** Returns monotonic milliseconds since an arbitrary start. */
  now(): number;
  /**
   * Resolves after the given number of milliseconds.
   * @throws the abort reason, as soon as the signal aborts
   */
  sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void>;
}

export const realClock: SoracomClock = {
  now: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      await setTimeout(milliseconds, undefined, signal && { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
