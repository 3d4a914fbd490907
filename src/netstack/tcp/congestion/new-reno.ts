/** Reno's window (RFC 5681) with NewReno's recovery (RFC 6582). Read both before touching this. */
import type { CongestionControl } from './congestion-control.js';

/** RFC 6928 2: up to ten segments, and 14,600 bytes unless two segments are more. */
function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600));
}

/** RFC 9406 4.2: appropriate byte counting takes up to eight segments from one ACK. */
const SLOW_START_LIMIT = 8;

/** cwnd is of no use beyond any window that TCP can have. */
const MAXIMUM_CWND = 2 ** 30;

export class NewReno implements CongestionControl {
  #mss: number;
  #cwnd: number;
  #ssthresh = MAXIMUM_CWND;
  /** Bytes acknowledged towards the next step of congestion avoidance (RFC 5681 3.1, RFC 3465). */
  #acked = 0;
  /** Slow start after a timeout counts one segment an ACK (RFC 3465 2.3). */
  #afterTimeout = false;

  constructor(mss: number) {
    this.#mss = mss;
    this.#cwnd = initialWindow(mss);
  }

  get cwnd(): number {
    return this.#cwnd;
  }

  get ssthresh(): number {
    return this.#ssthresh;
  }

  setMss(mss: number): void {
    if (this.#cwnd === initialWindow(this.#mss)) this.#cwnd = initialWindow(mss);
    this.#mss = mss;
    this.#cwnd = Math.max(this.#cwnd, mss);
  }

  acknowledged(bytes: number, flight: number): void {
    // A window that is not used proves nothing about the path (RFC 7661 1).
    if (flight * 2 < this.#cwnd) return;
    if (this.#cwnd < this.#ssthresh) {
      const limit = this.#afterTimeout ? this.#mss : SLOW_START_LIMIT * this.#mss;
      this.#grow(Math.min(bytes, limit));
      return;
    }
    this.#afterTimeout = false;
    this.#acked += bytes;
    if (this.#acked >= this.#cwnd) {
      this.#acked -= this.#cwnd;
      this.#grow(this.#mss);
    }
  }

  enterRecovery(flight: number): void {
    // RFC 5681 3.2, steps 2 and 3: three segments have left the network.
    this.#ssthresh = Math.max(flight / 2, 2 * this.#mss);
    this.#cwnd = this.#ssthresh + 3 * this.#mss;
    this.#acked = 0;
  }

  duplicateInRecovery(): void {
    this.#grow(this.#mss);
  }

  partiallyAcknowledged(bytes: number): void {
    // RFC 6582 3.2, step 3: deflate by what was acknowledged, add back one segment.
    const addBack = bytes >= this.#mss ? this.#mss : 0;
    this.#cwnd = Math.max(this.#mss, this.#cwnd - bytes + addBack);
  }

  exitRecovery(flight: number): void {
    // RFC 6582 3.2, step 3, option 1: no burst when little is in flight.
    this.#cwnd = Math.min(this.#ssthresh, Math.max(flight, this.#mss) + this.#mss);
  }

  timedOut(flight: number, first: boolean): void {
    // RFC 5681 3.1: ssthresh stays when the same segment times out again.
    if (first) this.#ssthresh = Math.max(flight / 2, 2 * this.#mss);
    this.#cwnd = this.#mss;
    this.#acked = 0;
    this.#afterTimeout = true;
  }

  restartAfterIdle(): void {
    this.#cwnd = Math.min(this.#cwnd, initialWindow(this.#mss));
  }

  #grow(bytes: number): void {
    this.#cwnd = Math.min(MAXIMUM_CWND, this.#cwnd + bytes);
  }
}
