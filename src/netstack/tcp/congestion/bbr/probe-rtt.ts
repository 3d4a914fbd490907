/**
 * ProbeRTT: periodically reduces the octets in flight so that the queue drains and the RTT without
 * a queue can be measured (draft-ietf-ccwg-bbr 5.3.4).
 */
import type { DeliveryState } from '../congestion-control.js';
import { PROBE_RTT_CWND_GAIN, PROBE_RTT_DURATION } from './parameters.js';
import type { PathModel } from './path-model.js';

export class ProbeRtt {
  readonly #model: PathModel;
  /** BBR.probe_rtt_done_stamp: when ProbeRTT ends; 0 while inflight exceeds the ProbeRTT window. */
  #endsAt = 0;
  #isRoundDone = false;
  /**
   * If a segment was sent while C.delivered was at most this value, its sample was limited by
   * ProbeRTT, not by the path.
   */
  #limitedUntil = -1;

  constructor(model: PathModel) {
    this.#model = model;
  }

  /** ProbeRTTCwnd(): the window in ProbeRTT. */
  get cwnd(): number {
    const { bandwidth, minimumPipe } = this.#model;
    return Math.max(this.#model.bdp(bandwidth, PROBE_RTT_CWND_GAIN), minimumPipe);
  }

  enter(state: DeliveryState): void {
    this.#model.phase = 'ProbeRTT';
    this.#endsAt = 0;
    this.#model.rounds.begin(state.delivered);
  }

  /**
   * Whether ProbeRTT limits a sample. Such a sample counts as application-limited (C.app_limited).
   */
  isLimited(priorDelivered: number): boolean {
    return priorDelivered <= this.#limitedUntil;
  }

  /**
   * HandleProbeRTT(): processes an ACK.
   *
   * @returns whether the phase is over
   */
  update(state: DeliveryState, now: number): boolean {
    const { rounds } = this.#model;
    this.#limitedUntil = state.delivered + state.inflight;
    if (this.#endsAt === 0) {
      if (state.inflight > this.cwnd) return false;
      this.#endsAt = now + PROBE_RTT_DURATION;
      this.#isRoundDone = false;
      rounds.begin(state.delivered);
      return false;
    }
    if (rounds.isStart) this.#isRoundDone = true;
    return this.#isRoundDone && this.isTimeOver(now);
  }

  /** CheckProbeRTTDone(): whether the duration of ProbeRTT has passed. */
  isTimeOver(now: number): boolean {
    return this.#endsAt !== 0 && now > this.#endsAt;
  }
}
