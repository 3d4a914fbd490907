/** Detects whether losses show that Startup has filled the pipe (draft-ietf-ccwg-bbr 5.3.1.3). */
import type { AckSample, DeliveryState } from '../congestion-control.js';
import { isLossTooHigh } from './loss-threshold.js';
import { STARTUP_FULL_LOSS_COUNT } from './parameters.js';

export class StartupLoss {
  /** The number of loss bursts in this round; each ACK that reveals losses is one burst. */
  #lossEvents = 0;

  /**
   * Processes an ACK in Startup.
   *
   * @param isRoundStart whether the ACK ended a loss round
   * @param isInFastRecovery whether fast recovery began before this ACK
   * @returns whether the loss is excessive
   */
  isTooHigh(
    sample: AckSample,
    state: DeliveryState,
    isRoundStart: boolean,
    isInFastRecovery: boolean,
  ): boolean {
    if (sample.newlyLost > 0) this.#lossEvents++;
    // Without SACK, only one loss per round trip is visible.
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
