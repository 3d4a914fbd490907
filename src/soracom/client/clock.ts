import { setTimeout } from 'node:timers/promises';

/** The time that deadlines and pauses go by. */
export interface SoracomClock {
  /** Returns monotonic milliseconds from an arbitrary start. */
  now(): number;
  /**
   * Resolves after so many milliseconds.
   * @throws the signal's reason, at once when it fires
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
