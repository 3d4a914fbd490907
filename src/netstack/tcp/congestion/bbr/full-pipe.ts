/** Whether sending faster still brings more: draft-ietf-ccwg-bbr 5.3.1.2. */
import { FULL_PIPE_GROWTH, FULL_PIPE_ROUNDS } from './parameters.js';

export class FullPipe {
  /** It was full once: BBR.full_bw_reached. */
  isReached = false;
  /** It is full since reset(): BBR.full_bw_now. */
  isNow = false;
  #baseline = 0;
  #rounds = 0;

  /** @param baseline the rate that what comes is held against: BBR.full_bw */
  reset(baseline = 0): void {
    this.#baseline = baseline;
    this.#rounds = 0;
    this.isNow = false;
  }

  /** A round ended with a sample that the user did not limit. */
  roundEnded(deliveryRate: number): void {
    if (this.isNow) return;
    if (deliveryRate >= this.#baseline * FULL_PIPE_GROWTH) {
      this.reset(deliveryRate);
      return;
    }
    this.#rounds++;
    if (this.#rounds >= FULL_PIPE_ROUNDS) this.declareFull();
  }

  declareFull(): void {
    this.isNow = true;
    this.isReached = true;
  }
}
