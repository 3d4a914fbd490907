/**
 * BBR's model of the path, and the inflight limits derived from it (draft-ietf-ccwg-bbr 2.9 and
 * 5.6.4). All parts of BBR read and write the model's fields.
 */
import type { DeliveryState } from '../congestion-control.js';
import { initialWindow } from '../initial-window.js';
import { PacketTimedRounds } from '../packet-timed-rounds.js';
import { WindowValidation } from '../window-validation.js';
import { WindowedMaximum } from '../windowed-maximum.js';
import { AckAggregation } from './ack-aggregation.js';
import { FullPipe } from './full-pipe.js';
import { LatestDelivery } from './latest-delivery.js';
import {
  BANDWIDTH_FILTER_LENGTH,
  BETA,
  HEADROOM,
  MINIMUM_PIPE,
  OFFLOAD_QUANTA,
} from './parameters.js';
import { CWND_GAINS, isAccelerating, type Phase } from './phase.js';
import { RoundTripFloor } from './round-trip-floor.js';

export class PathModel {
  phase: Phase = 'Startup';
  mss: number;
  cwnd: number;
  sendQuantum = 0;
  /** BBR.bw: the current estimate of the path's bandwidth. */
  bandwidth = 0;
  /** BBR.bw_shortterm and BBR.inflight_shortterm: upper bounds until the next bandwidth probe. */
  shortTermBandwidth = Infinity;
  shortTermInflight = Infinity;
  /** BBR.inflight_longterm: the highest tested inflight that did not cause excessive loss. */
  longTermInflight = Infinity;
  readonly rounds = new PacketTimedRounds();
  readonly validation = new WindowValidation();
  readonly latest = new LatestDelivery();
  readonly fullPipe = new FullPipe();
  readonly roundTrip: RoundTripFloor;
  readonly aggregation: AckAggregation;
  readonly #maximumBandwidth = new WindowedMaximum(BANDWIDTH_FILTER_LENGTH);
  /** BBR.cycle_count: the current ProbeBW cycle. */
  #cycle = 0;

  constructor(mss: number, now: number) {
    this.mss = mss;
    this.cwnd = initialWindow(mss);
    this.roundTrip = new RoundTripFloor(now);
    this.aggregation = new AckAggregation(now);
  }

  /** BBR.max_bw: the maximum bandwidth of the last ProbeBW cycles. */
  get maximumBandwidth(): number {
    return this.#maximumBandwidth.value;
  }

  /** C.is_cwnd_limited: whether cwnd limited the sender recently. */
  get isCwndLimited(): boolean {
    return this.validation.isCwndLimited;
  }

  get minimumPipe(): number {
    return MINIMUM_PIPE * this.mss;
  }

  /** UpdateMaxBw(): ignores an application-limited sample unless it raises the maximum. */
  sampleBandwidth(deliveryRate: number, isAppLimited: boolean): void {
    if (deliveryRate <= 0 || (isAppLimited && deliveryRate < this.maximumBandwidth)) return;
    this.#maximumBandwidth.update(deliveryRate, this.#cycle);
  }

  /** AdvanceMaxBwFilter(): starts a new ProbeBW cycle in the filter. */
  advanceBandwidthFilter(): void {
    this.#cycle++;
  }

  /** BoundBWForModel(): updates the bandwidth estimate. */
  boundBandwidth(): void {
    this.bandwidth = Math.min(this.maximumBandwidth, this.shortTermBandwidth);
  }

  /** BDPMultiple(): the bandwidth-delay product times `gain`. */
  bdp(bandwidth: number, gain: number): number {
    const { value } = this.roundTrip;
    return value === Infinity ? initialWindow(this.mss) : gain * bandwidth * value;
  }

  /**
   * Inflight(): the octets in flight that keep the path full at this rate, including those queued
   * in the hosts.
   */
  inflight(bandwidth: number, gain: number): number {
    return this.#quantized(this.bdp(bandwidth, gain));
  }

  /** BBR.max_inflight: the upper bound of cwnd, including ACK aggregation. */
  get maximumInflight(): number {
    const bdp = this.bdp(this.bandwidth, CWND_GAINS[this.phase]);
    return this.#quantized(bdp + this.aggregation.extraAcked);
  }

  /** TargetInflight(): the bandwidth-delay product, at most cwnd. */
  get targetInflight(): number {
    return Math.min(this.bdp(this.bandwidth, 1), this.cwnd);
  }

  /** QuantizationBudget(): adds the octets queued in the hosts. */
  #quantized(inflight: number): number {
    const floor = Math.max(inflight, OFFLOAD_QUANTA * this.sendQuantum, this.minimumPipe);
    return this.phase === 'ProbeBW_UP' ? floor + 2 * this.mss : floor;
  }

  /** InflightWithHeadroom(): leaves room for other flows at the bottleneck. */
  get inflightWithHeadroom(): number {
    const most = this.longTermInflight;
    if (most === Infinity) return Infinity;
    return Math.max(most - Math.max(this.mss, HEADROOM * most), this.minimumPipe);
  }

  /** ResetShortTermModel(): removes the short-term bounds. */
  resetShortTerm(): void {
    this.shortTermBandwidth = Infinity;
    this.shortTermInflight = Infinity;
  }

  /**
   * AdaptLowerBoundsFromCongestion(): called at the end of a round with loss.
   *
   * The draft reduces both bounds after any loss. But with random loss, most rounds have losses, so
   * the rate and the window decay until the next probe. At 100 Mbit/s, that reduces the rate by a
   * tenth at 0.1 % loss and by up to a fifth at 1 %. This implementation therefore reduces the
   * bounds only if a round lost more than LossThresh, the limit that the draft uses everywhere
   * else.
   */
  lossRoundEnded(state: DeliveryState): void {
    if (isAccelerating(this.phase) || !this.latest.hasLoss) return;
    if (!this.latest.isLossTooHigh(state)) return;
    if (this.shortTermBandwidth === Infinity) this.shortTermBandwidth = this.maximumBandwidth;
    if (this.shortTermInflight === Infinity) this.shortTermInflight = this.cwnd;
    const { bandwidth, inflight } = this.latest;
    this.shortTermBandwidth = Math.max(bandwidth, BETA * this.shortTermBandwidth);
    this.shortTermInflight = Math.max(inflight, BETA * this.shortTermInflight);
  }
}
