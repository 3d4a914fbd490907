/** Reno's congestion avoidance: RFC 5681 3.1. */
import type { AvoidanceLaw } from './avoidance-law.js';

export class Reno implements AvoidanceLaw {
  readonly algorithm = 'reno';
  /** Bytes acknowledged towards the next segment of growth (RFC 3465 2.1). */
  #acked = 0;

  /** RFC 5681 equation 4. What limited transmit put on top of cwnd MUST NOT count (3.2 step 2). */
  reduced(window: number, flightSize: number, mss: number): number {
    this.#acked = 0;
    return Math.max(Math.min(window, flightSize) / 2, 2 * mss);
  }

  timedOut(): void {
    this.#acked = 0;
  }

  /** One segment for each window that is acknowledged. */
  grown(cwnd: number, acknowledged: number, mss: number): number {
    this.#acked += acknowledged;
    if (this.#acked < cwnd) return cwnd;
    this.#acked = Math.min(this.#acked - cwnd, cwnd);
    return cwnd + mss;
  }

  paused(): void {
    // The window grows by bytes, not with time.
  }

  save(): void {
    // All that a reduction changes is progress within one segment.
  }

  restore(): void {
    this.#acked = 0;
  }
}
