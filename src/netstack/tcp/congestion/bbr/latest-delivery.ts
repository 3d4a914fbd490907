/** Tracks delivery and loss during the latest round trip (draft-ietf-ccwg-bbr 5.5.10.3). */
import type { AckSample, DeliveryState } from '../congestion-control.js';
import { isLossTooHigh } from './loss-threshold.js';

export class LatestDelivery {
  /** BBR.bw_latest: the highest delivery rate in the round. */
  bandwidth = 0;
  /** BBR.inflight_latest: the highest number of octets delivered in one sample. */
  inflight = 0;
  /** BBR.is_loss_in_round: whether a segment was lost in this round. */
  hasLoss = false;
  /** BBR.loss_round_start: whether the last ACK ended a loss round. */
  isRoundStart = false;
  /** BBR.loss_round_delivered: the value of C.delivered that ends the loss round. */
  #roundDelivered = 0;
  #lostBefore = 0;
  #deliveredBefore = 0;

  /** Whether the loss rate of this round exceeds LossThresh. */
  isLossTooHigh(state: DeliveryState): boolean {
    const lost = state.lost - this.#lostBefore;
    const delivered = state.delivered - this.#deliveredBefore;
    return isLossTooHigh(lost, lost + delivered, state.mss);
  }

  /**
   * Records that a segment was marked lost.
   *
   * @returns whether this is the first loss of the round
   */
  noteLoss(state: DeliveryState): boolean {
    if (this.hasLoss) return false;
    this.hasLoss = true;
    this.#roundDelivered = state.delivered;
    this.#deliveredBefore = state.delivered;
    // Exclude this loss: it starts the round, and counting it would bias the loss rate.
    this.#lostBefore = state.lost;
    return true;
  }

  /** UpdateLatestDeliverySignals(): called first for each ACK. */
  update(sample: AckSample, delivered: number): void {
    this.isRoundStart = sample.priorDelivered >= this.#roundDelivered;
    this.bandwidth = Math.max(this.bandwidth, sample.deliveryRate);
    this.inflight = Math.max(this.inflight, sample.delivered);
    if (this.isRoundStart) this.#roundDelivered = delivered;
  }

  /** AdvanceLatestDeliverySignals(): called last for each ACK. */
  advance(sample: AckSample): void {
    if (!this.isRoundStart) return;
    this.bandwidth = sample.deliveryRate;
    this.inflight = sample.delivered;
  }

  /** ResetCongestionSignals(): forgets the losses and the rate of the round. */
  reset(): void {
    this.hasLoss = false;
    this.bandwidth = 0;
    this.inflight = 0;
  }
}
