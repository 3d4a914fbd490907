/** Reno's congestion avoidance (RFC 5681 3.1). */
import type { AvoidanceLaw } from './avoidance-law.js';

export class Reno implements AvoidanceLaw {
  readonly algorithm = 'reno';
  /** Octets acknowledged since cwnd last grew by a segment (RFC 3465 2.1). */
  #acked = 0;

  /** RFC 5681 equation 4. Segments sent by limited transmit MUST NOT be counted (3.2 step 2). */
  reduced(window: number, flightSize: number, mss: number): number {
    this.#acked = 0;
    return Math.max(Math.min(window, flightSize) / 2, 2 * mss);
  }

  timedOut(): void {
    this.#acked = 0;
  }

  /** Grows cwnd by one segment for each acknowledged window. */
  grown(cwnd: number, acknowledged: number, mss: number): number {
    this.#acked += acknowledged;
    if (this.#acked < cwnd) return cwnd;
    this.#acked = Math.min(this.#acked - cwnd, cwnd);
    return cwnd + mss;
  }

  paused(): void {
    // Do nothing, because the window grows with acknowledged octets, not with time.
  }

  save(): void {
    // Do nothing, because a reduction changes only #acked, which need not be saved.
  }

  restore(): void {
    this.#acked = 0;
  }
}
