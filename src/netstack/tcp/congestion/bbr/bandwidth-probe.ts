/**
 * ProbeBW: slows down, cruises, refills the pipe, then speeds up, to measure the bandwidth and how
 * much data may be in flight (draft-ietf-ccwg-bbr 5.3.3 and 5.5.10.2).
 */
import type { AckSample, DeliveryState, Transmission } from '../congestion-control.js';
import { isLossTooHigh } from './loss-threshold.js';
import { BETA, LOSS_THRESHOLD } from './parameters.js';
import type { PathModel } from './path-model.js';
import { isProbeBandwidth } from './phase.js';
import { ProbeSchedule } from './probe-schedule.js';

/** The maximum number of times that the growth of inflight_longterm doubles. */
const MOST_DOUBLINGS = 30;

export class BandwidthProbe {
  readonly #model: PathModel;
  readonly #schedule: ProbeSchedule;
  /** Whether BBR.ack_phase is ACKS_PROBE_STOPPING, the only ACK phase that affects behavior. */
  #isStopping = false;
  /** BBR.is_bw_probe_sample: whether the data now ACKed or lost was sent in REFILL or UP. */
  #isProbeSample = false;
  /** BBR.prev_probe_too_high and BBR.prev_probe_precautionary: how the last probe ended. */
  #wasTooHigh = false;
  #wasPrecautionary = false;
  /** How inflight_longterm grows: bw_probe_up_rounds, bw_probe_up_acked, probe_up_acked_per_inc. */
  #upRounds = 0;
  #upAcked = 0;
  #ackedPerIncrement = Infinity;

  constructor(model: PathModel, random: () => number) {
    this.#model = model;
    this.#schedule = new ProbeSchedule(random);
  }

  startDown(state: DeliveryState, now: number): void {
    const { latest, rounds } = this.#model;
    latest.reset();
    this.#ackedPerIncrement = Infinity;
    this.#schedule.restart(rounds.count, now);
    this.#isStopping = true;
    rounds.begin(state.delivered);
    this.#model.phase = 'ProbeBW_DOWN';
  }

  startCruise(): void {
    this.#model.phase = 'ProbeBW_CRUISE';
  }

  startRefill(state: DeliveryState): void {
    this.#model.resetShortTerm();
    this.#upRounds = 0;
    this.#upAcked = 0;
    this.#wasPrecautionary = false;
    this.#isStopping = false;
    this.#model.rounds.begin(state.delivered);
    this.#model.phase = 'ProbeBW_REFILL';
  }

  #startUp(sample: AckSample, state: DeliveryState): void {
    this.#model.rounds.begin(state.delivered);
    this.#model.fullPipe.reset(sample.deliveryRate);
    this.#model.phase = 'ProbeBW_UP';
    this.#raiseSlope();
  }

  /**
   * Handles an interruption by ProbeRTT. ACKs that arrive now still belong to the previous probe.
   */
  interrupt(): void {
    this.#isStopping = true;
  }

  /**
   * UpdateProbeBWCyclePhase(): processes an ACK. Called only after the pipe was full at least once.
   */
  update(sample: AckSample, isAppLimited: boolean, state: DeliveryState, now: number): void {
    if (this.#adaptLongTerm(sample, isAppLimited, state)) return;
    const model = this.#model;
    switch (model.phase) {
      case 'ProbeBW_DOWN':
        if (this.#isProbeDue(now)) this.startRefill(state);
        else if (this.#isTimeToCruise(state)) this.startCruise();
        break;
      case 'ProbeBW_CRUISE':
        if (this.#isProbeDue(now)) this.startRefill(state);
        break;
      case 'ProbeBW_REFILL':
        if (!model.rounds.isStart) break;
        this.#isProbeSample = true;
        this.#startUp(sample, state);
        break;
      case 'ProbeBW_UP':
        if (!this.#isTimeToGoDown(sample, state)) break;
        this.#wasTooHigh = false;
        this.startDown(state, now);
        break;
      case 'Startup':
      case 'Drain':
      case 'ProbeRTT':
    }
  }

  #isProbeDue(now: number): boolean {
    const { mss, rounds, targetInflight } = this.#model;
    return this.#schedule.isDue(targetInflight / mss, rounds.count, now);
  }

  #isTimeToCruise({ inflight }: DeliveryState): boolean {
    const model = this.#model;
    if (inflight > model.inflightWithHeadroom) return false;
    return inflight <= model.inflight(model.maximumBandwidth, 1);
  }

  #isTimeToGoDown(sample: AckSample, { inflight }: DeliveryState): boolean {
    const { cwnd, fullPipe, isCwndLimited, longTermInflight } = this.#model;
    if (this.#wasTooHigh && inflight >= longTermInflight) {
      // Leave ProbeBW_UP when inflight reaches the level that was too high last time.
      this.#wasPrecautionary = true;
      return true;
    }
    if (isCwndLimited && cwnd >= longTermInflight) {
      // inflight_longterm, not the path, limits the rate.
      fullPipe.reset(sample.deliveryRate);
      return false;
    }
    return fullPipe.isNow;
  }

  /**
   * AdaptLongTermModel(): updates inflight_longterm and the bandwidth filter.
   *
   * @returns whether the phase changed
   */
  #adaptLongTerm(sample: AckSample, isAppLimited: boolean, state: DeliveryState): boolean {
    const model = this.#model;
    if (model.rounds.isStart && this.#isStopping) {
      this.#isProbeSample = false;
      this.#isStopping = false;
      if (isProbeBandwidth(model.phase)) {
        if (!isAppLimited) model.advanceBandwidthFilter();
        if (this.#wasPrecautionary && !this.#wasTooHigh) {
          this.startRefill(state);
          return true;
        }
      }
    }
    if (this.#isTooHigh(sample.lost, sample.inflight, state)) return false;
    model.longTermInflight = Math.max(model.longTermInflight, sample.inflight);
    if (model.phase === 'ProbeBW_UP') this.#raiseLongTerm(sample.newlyDelivered);
    return false;
  }

  /** IsInflightTooHigh(): whether losses show that too much data was in flight. */
  #isTooHigh(lost: number, inflight: number, { usesSack }: DeliveryState): boolean {
    return usesSack ? isLossTooHigh(lost, inflight, this.#model.mss) : lost > 0;
  }

  /** ProbeInflightLongtermUpward(): raises inflight_longterm. */
  #raiseLongTerm(newlyDelivered: number): void {
    const model = this.#model;
    if (!model.isCwndLimited || model.cwnd < model.longTermInflight) return;
    this.#upAcked += newlyDelivered;
    const increments = Math.floor(this.#upAcked / this.#ackedPerIncrement);
    this.#upAcked -= increments * this.#ackedPerIncrement;
    model.longTermInflight += increments * model.mss;
    if (model.rounds.isStart) this.#raiseSlope();
  }

  /** RaiseInflightLongtermSlope(): the slope becomes 1, 2, 4, ... segments per round trip. */
  #raiseSlope(): void {
    const { cwnd, mss } = this.#model;
    const growth = 2 ** this.#upRounds;
    this.#upRounds = Math.min(this.#upRounds + 1, MOST_DOUBLINGS);
    this.#ackedPerIncrement = Math.max(cwnd / growth, mss);
  }

  /**
   * HandleLostPacket(): processes a segment that was marked lost.
   *
   * @returns whether the loss ended ProbeBW_UP
   */
  lost(segment: Transmission, state: DeliveryState, now: number): boolean {
    if (!this.#isProbeSample) return false;
    const lost = state.lost - segment.lost;
    if (!this.#isTooHigh(lost, segment.inflight, state)) return false;
    // HandleInflightTooHigh(): runs at most once per probe.
    const model = this.#model;
    this.#wasTooHigh = true;
    this.#isProbeSample = false;
    if (!segment.isAppLimited) {
      const inflight = this.#inflightAtLoss(segment, lost);
      model.longTermInflight = Math.max(inflight, model.targetInflight * BETA);
    }
    if (model.phase !== 'ProbeBW_UP') return false;
    this.startDown(state, now);
    return true;
  }

  /** InflightAtLoss(): the octets in flight when the loss rate crossed the threshold. */
  #inflightAtLoss({ inflight, length }: Transmission, lost: number): number {
    const inflightBefore = inflight - length;
    const lostBefore = lost - length;
    const prefix = (LOSS_THRESHOLD * inflightBefore - lostBefore) / (1 - LOSS_THRESHOLD);
    return inflightBefore + prefix;
  }
}
