/**
 * Estimates ACK aggregation: octets ACKed faster than the path's rate (draft-ietf-ccwg-bbr 5.5.9).
 */
import { WindowedMaximum } from '../windowed-maximum.js';
import { EXTRA_ACKED_FILTER_LENGTH } from './parameters.js';

export class AckAggregation {
  readonly #filter = new WindowedMaximum(EXTRA_ACKED_FILTER_LENGTH);
  #intervalStart: number;
  #delivered = 0;

  constructor(now: number) {
    this.#intervalStart = now;
  }

  /** BBR.extra_acked: the estimated ACK aggregation in octets. */
  get extraAcked(): number {
    return this.#filter.value;
  }

  /** Clears the filter. In Startup, the filter covers only one round. */
  forget(): void {
    this.#filter.clear();
  }

  /** Restarts the interval after an idle period. */
  restart(now: number): void {
    this.#intervalStart = now;
  }

  /** @param most the upper bound for each sample, which is cwnd */
  update(
    newlyDelivered: number,
    bandwidth: number,
    most: number,
    round: number,
    now: number,
  ): void {
    let expected = bandwidth * (now - this.#intervalStart);
    if (this.#delivered <= expected) {
      this.#delivered = 0;
      this.#intervalStart = now;
      expected = 0;
    }
    this.#delivered += newlyDelivered;
    this.#filter.update(Math.min(this.#delivered - expected, most), round);
  }
}
