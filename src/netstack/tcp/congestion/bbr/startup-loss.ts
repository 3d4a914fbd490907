/** Whether losses show that Startup has filled the pipe: draft-ietf-ccwg-bbr 5.3.1.3. */
import type { AckSample, DeliveryState } from '../congestion-control.js';
import { isLossTooHigh } from './loss-threshold.js';
import { STARTUP_FULL_LOSS_COUNT } from './parameters.js';

export class StartupLoss {
  /** ACKs of this round that found losses: each stands for a range of its own. */
  #lossEvents = 0;

  /**
   * An ACK of Startup came.
   *
   * @param isRoundStart it ended a round of loss
   * @param isInFastRecovery since before this ACK
   * @returns whether the losses are too many
   */
  isTooHigh(
    sample: AckSample,
    state: DeliveryState,
    isRoundStart: boolean,
    isInFastRecovery: boolean,
  ): boolean {
    if (sample.newlyLost > 0) this.#lossEvents++;
    // Without SACK, one loss in a round trip is all that can be seen.
    if (!state.usesSack) return isInFastRecovery && sample.newlyLost > 0;
    if (!isRoundStart) return false;
    const isTooHigh =
      isInFastRecovery &&
      this.#lossEvents >= STARTUP_FULL_LOSS_COUNT &&
      isLossTooHigh(sample.lost, sample.inflight, state.mss);
    this.#lossEvents = 0;
    return isTooHigh;
  }
}
