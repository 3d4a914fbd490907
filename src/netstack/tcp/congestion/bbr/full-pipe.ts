/**
 * Detects that the pipe is full: the delivery rate no longer grows (draft-ietf-ccwg-bbr 5.3.1.2).
 */
import { FULL_PIPE_GROWTH, FULL_PIPE_ROUNDS } from './parameters.js';

export class FullPipe {
  /** BBR.full_bw_reached: whether the pipe has ever been full. */
  isReached = false;
  /** BBR.full_bw_now: whether the pipe has been full since reset(). */
  isNow = false;
  #baseline = 0;
  #rounds = 0;

  /** @param baseline BBR.full_bw, the rate with which later samples are compared */
  reset(baseline = 0): void {
    this.#baseline = baseline;
    this.#rounds = 0;
    this.isNow = false;
  }

  /** Processes the end of a round whose sample was not application-limited. */
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
