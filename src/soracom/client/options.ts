import { setTimeout } from 'node:timers/promises';

export interface SoracomClientOptions {
  /** The base URL, without `/v1`. */
  readonly endpoint: string;
  /** The User-Agent header: `arctun/VERSION (platform arch node)`. */
  readonly userAgent: string;
  /**
   * Extra headers for each request. They never override the client's own headers or headers that
   * frame a message (profile-headers.ts).
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** The timeout of each call, in milliseconds; defaults to 30 s. */
  readonly timeoutMs?: number;
  /**
   * The timeout for each method as a whole, in milliseconds; defaults to 120 s. Includes retries
   * and the pauses between them, signing in again, and all pages of a list. A createSim that was
   * sent always gets its full `timeoutMs`.
   */
  readonly deadlineMs?: number;
  /** The maximum number of retries after 429 and 5xx; defaults to 4. */
  readonly mostRepeats?: number | undefined;
  /**
   * Called with a message before each pause between retries. Exceptions from this callback are
   * ignored.
   */
  readonly onWait?: ((text: string) => void) | undefined;
  /**
   * Called with each request and each response, formatted between soratun's banners
   * (SORACOM_VERBOSE), with a newline at the end and all secrets hidden. Exceptions from this
   * callback are ignored.
   */
  readonly dump?: ((text: string) => void) | undefined;
  /** Aborts pauses and all unanswered calls except createSim. */
  readonly signal?: AbortSignal;
  readonly clock?: SoracomClock;
  /** Returns a number from 0 to below 1, for the jitter of pauses; defaults to Math.random. */
  readonly random?: () => number;
}

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
