import type { Peer } from '../../engine/engine.js';
import type { Clock, Timer } from '../../ports/clock.js';

/** Something is wanted and nothing authentic came for this long: 10 s + 5 s (whitepaper 6.5). */
export const SILENCE = 15_000;

/** Knows how long a peer has been silent from which something is wanted. */
export class SilenceWatch {
  readonly #clock: Clock;
  readonly #peer: Peer;
  readonly #onSilent: () => void;
  #rxBytes = 0;
  #heardAt = -Infinity;
  #reportedAt = -Infinity;
  /** Whether anything has left, or was heard, since the last report. */
  #isActive = true;
  #timer: Timer | undefined;
  #isClosed = false;

  /** @param onSilent called after each SILENCE, for as long as something is tried */
  constructor(clock: Clock, peer: Peer, onSilent: () => void) {
    this.#clock = clock;
    this.#peer = peer;
    this.#onSilent = onSilent;
  }

  /**
   * To be called when the peer may have been heard or asked for something.
   *
   * @returns whether it was heard since the last time
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

  /** A handshake is tried. */
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

  /** When that began for which nothing authentic has come back; undefined where nothing is wanted. */
  #since(): number | undefined {
    const { handshakeBeganAt = Infinity, unansweredDataSince = Infinity } = this.#peer;
    const wanted = Math.min(handshakeBeganAt, unansweredDataSince);
    return wanted === Infinity ? undefined : Math.max(wanted, this.#heardAt);
  }

  #arm(now: number): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    const since = this.#since();
    // A handshake that gave up is still wanted, but nothing is sent for it any more.
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
