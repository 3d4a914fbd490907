import type { SoracomClock } from './clock.js';

export interface SoracomClientOptions {
  /** Base URL without `/v1`. */
  readonly endpoint: string;
  /** `arctun/VERSION (platform arch node)`. */
  readonly userAgent: string;
  /**
   * Added to each request. They never take the place of the client's own, nor of those that frame
   * a message (profile-headers.ts).
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** For each call as a whole, in milliseconds; 30 s when absent. */
  readonly timeoutMs?: number;
  /**
   * For everything that one method does, in milliseconds: its call, the repeats and the pauses
   * between them, signing in anew, all pages of a listing; 120 s when absent. A createSim that was
   * sent has its `timeoutMs` in any case.
   */
  readonly deadlineMs?: number;
  /** How often a call is repeated after 429 and 5xx, at most; 4 when absent. */
  readonly mostRepeats?: number;
  /**
   * Takes a sentence for people before each pause in front of a repeat. What it throws is ignored.
   */
  readonly onWait?: (text: string) => void;
  /**
   * Takes each request and each answer as text between soratun's banners, ending with a line
   * break and with every secret hidden (SORACOM_VERBOSE). What it throws is ignored.
   */
  readonly dump?: (text: string) => void;
  /** Ends calls that have not been answered, except createSim, and ends pauses. */
  readonly signal?: AbortSignal;
  readonly clock?: SoracomClock;
  /** From 0 to below 1, for pauses that are not everybody's; Math.random when absent. */
  readonly random?: () => number;
}
