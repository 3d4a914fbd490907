/** What the path delivered in the last round trip with loss: draft-ietf-ccwg-bbr 5.5.10.3. */
import type { AckSample, DeliveryState } from '../congestion-control.js';
import { isLossTooHigh } from './loss-threshold.js';

export class LatestDelivery {
  /** BBR.bw_latest: the highest rate of the round. */
  bandwidth = 0;
  /** BBR.inflight_latest: the most delivered within the time of one sample. */
  inflight = 0;
  /** BBR.is_loss_in_round. */
  hasLoss = false;
  /** BBR.loss_round_start: the last ACK ended such a round. */
  isRoundStart = false;
  /** BBR.loss_round_delivered. */
  #roundDelivered = 0;
  #lostBefore = 0;
  #deliveredBefore = 0;

  /** Whether this round lost more than LossThresh of what it delivered and lost. */
  isLossTooHigh(state: DeliveryState): boolean {
    const lost = state.lost - this.#lostBefore;
    const delivered = state.delivered - this.#deliveredBefore;
    return isLossTooHigh(lost, lost + delivered, state.mss);
  }

  /** A segment was found lost. @returns whether it is the first one of its round */
  noteLoss(state: DeliveryState): boolean {
    if (this.hasLoss) return false;
    this.hasLoss = true;
    this.#roundDelivered = state.delivered;
    this.#deliveredBefore = state.delivered;
    // The round begins with this loss because of this loss: it would bias the rate.
    this.#lostBefore = state.lost;
    return true;
  }

  /** UpdateLatestDeliverySignals(): near the start of an ACK. */
  update(sample: AckSample, delivered: number): void {
    this.isRoundStart = sample.priorDelivered >= this.#roundDelivered;
    this.bandwidth = Math.max(this.bandwidth, sample.deliveryRate);
    this.inflight = Math.max(this.inflight, sample.delivered);
    if (this.isRoundStart) this.#roundDelivered = delivered;
  }

  /** AdvanceLatestDeliverySignals(): near its end. */
  advance(sample: AckSample): void {
    if (!this.isRoundStart) return;
    this.bandwidth = sample.deliveryRate;
    this.inflight = sample.delivered;
  }

  /** ResetCongestionSignals(). */
  reset(): void {
    this.hasLoss = false;
    this.bandwidth = 0;
    this.inflight = 0;
  }
}
