import type { Peer } from '../../engine/engine.js';
import type { Clock, Timer } from '../../ports/clock.js';

/**
 * A peer counts as silent after this many ms without an authentic reply: 10 s + 5 s (whitepaper
 * 6.5).
 */
export const SILENCE = 15_000;

/** Measures how long a peer has been silent although a response is due. */
export class SilenceWatch {
  readonly #clock: Clock;
  readonly #peer: Peer;
  readonly #onSilent: () => void;
  #rxBytes = 0;
  #heardAt = -Infinity;
  #reportedAt = -Infinity;
  /** Whether anything was sent or received since the last report. */
  #isActive = true;
  #timer: Timer | undefined;
  #isClosed = false;

  /** @param onSilent called after each period of SILENCE while handshakes are attempted */
  constructor(clock: Clock, peer: Peer, onSilent: () => void) {
    this.#clock = clock;
    this.#peer = peer;
    this.#onSilent = onSilent;
  }

  /**
   * Checks for messages from the peer. Call this if a message may have arrived or a reply may be
   * due.
   *
   * @returns whether a message from the peer arrived since the last call
   */
  look(now: number): boolean {
    const { rxBytes } = this.#peer;
    const isHeard = rxBytes !== this.#rxBytes;
    if (isHeard) {
      this.#rxBytes = rxBytes;
      this.#heardAt = now;
      this.#isActive = true;
    }
    this.#arm(now);
    return isHeard;
  }

  attempted(): void {
    this.#isActive = true;
  }

  isSilent(now: number): boolean {
    const since = this.#since();
    return since !== undefined && now - since >= SILENCE;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** Returns the start of the current silence; undefined if no response is due. */
  #since(): number | undefined {
    const { handshakeBeganAt = Infinity, unansweredDataSince = Infinity } = this.#peer;
    const wanted = Math.min(handshakeBeganAt, unansweredDataSince);
    return wanted === Infinity ? undefined : Math.max(wanted, this.#heardAt);
  }

  #arm(now: number): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    const since = this.#since();
    // After a handshake has given up, its response is still due, but no more messages are sent.
    if (since === undefined || !this.#isActive) return;
    const at = Math.max(since, this.#reportedAt) + SILENCE;
    this.#timer = this.#clock.startTimer(Math.max(1, at - now), () => {
      this.#timer = undefined;
      this.#expire();
    });
  }

  #expire(): void {
    const now = this.#clock.now();
    if (this.isSilent(now)) {
      this.#reportedAt = now;
      this.#isActive = false;
      this.#onSilent();
    }
    this.#arm(now);
  }
}
