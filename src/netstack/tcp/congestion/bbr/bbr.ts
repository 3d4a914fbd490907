/**
 * BBR version 3 (draft-ietf-ccwg-bbr): paces at the measured delivery rate and keeps little more
 * data in flight than the path can hold, even if single segments are lost. This file defines the
 * order of the steps; other files implement the steps, with the names that the draft uses.
 */
import type {
  AckSample,
  CongestionControl,
  DeliveryState,
  Transmission,
} from '../congestion-control.js';
import { initialWindow, MAXIMUM_WINDOW } from '../initial-window.js';
import { sendQuantum } from '../send-quantum.js';
import { BandwidthProbe } from './bandwidth-probe.js';
import { DRAIN_ROUNDS, PACING_MARGIN, STARTUP_PACING_GAIN } from './parameters.js';
import { PathModel } from './path-model.js';
import { isProbeBandwidth, PACING_GAINS, type Phase } from './phase.js';
import { ProbeRtt } from './probe-rtt.js';
import { StartupLoss } from './startup-loss.js';
import { Undo } from './undo.js';

export interface BbrOptions {
  /** The initial Eff.snd.MSS in octets; setMss() changes the value later. */
  readonly mss: number;
  /**
   * Returns a random number in [0, 1) to vary the times of the probes; the numbers need not be
   * secure.
   */
  readonly random: () => number;
  readonly now: number;
}

type Repair = 'none' | 'fast-recovery' | 'after-timeout';

export class Bbr implements CongestionControl {
  readonly algorithm = 'bbr';
  /** Always Infinity, since BBR's Startup does not end at a threshold. */
  readonly ssthresh = Infinity;
  readonly #model: PathModel;
  readonly #probe: BandwidthProbe;
  readonly #probeRtt: ProbeRtt;
  readonly #startupLoss = new StartupLoss();
  readonly #undo: Undo;
  #pacingRate: number;
  /** Whether the pacing rate is based on a measured RTT. */
  #hasRoundTrip = false;
  #repair: Repair = 'none';
  /** BBR.prior_cwnd: the window before recovery or ProbeRTT. */
  #priorCwnd = 0;
  #isIdleRestart = false;
  #drainStartRound = 0;

  constructor({ mss, random, now }: BbrOptions) {
    this.#model = new PathModel(mss, now);
    this.#probe = new BandwidthProbe(this.#model, random);
    this.#probeRtt = new ProbeRtt(this.#model);
    this.#undo = new Undo(this.#model);
    // InitPacingRate(): assumes an RTT of 1 ms until one is measured.
    this.#pacingRate = STARTUP_PACING_GAIN * initialWindow(mss);
    this.#setSendQuantum();
  }

  get cwnd(): number {
    return this.#model.cwnd;
  }

  get pacingRate(): number {
    return this.#pacingRate;
  }

  get sendQuantum(): number {
    return this.#model.sendQuantum;
  }

  /** The current phase, for tests and statistics. */
  get phase(): Phase {
    return this.#model.phase;
  }

  setMss(mss: number): void {
    const model = this.#model;
    if (model.cwnd === initialWindow(model.mss)) model.cwnd = initialWindow(mss);
    model.mss = mss;
    model.cwnd = Math.max(model.cwnd, mss);
    this.#setSendQuantum();
  }

  /**
   * Sets the initial window to one segment (RFC 5681 3.1), because that is TCP's initial window in
   * this case, and BBR uses TCP's (draft-ietf-ccwg-bbr 5.6.4.1).
   */
  handshakeRepeated(): void {
    this.#model.cwnd = this.#model.mss;
  }

  /** HandleRestartFromIdle(): keeps cwnd, since pacing limits the rate. */
  restart(state: DeliveryState, _idle: number, _rto: number, now: number): void {
    const { phase, aggregation } = this.#model;
    // In ProbeRTT, a connection also counts as application-limited (C.app_limited).
    if (!state.isAppLimited && phase !== 'ProbeRTT') return;
    this.#isIdleRestart = true;
    aggregation.restart(now);
    if (isProbeBandwidth(phase)) this.#setPacingRate(1);
    else if (phase === 'ProbeRTT' && this.#probeRtt.isTimeOver(now)) {
      this.#exitProbeRtt(state, now);
    }
  }

  lost(segment: Transmission, state: DeliveryState, now: number): void {
    const isFirstOfRound = this.#model.latest.noteLoss(state);
    // Save the state now, because this loss may change it before enterRecovery() is called.
    if (isFirstOfRound || this.#repair === 'none') this.#saveState();
    if (this.#probe.lost(segment, state, now)) this.#undo.left('ProbeBW_UP');
  }

  enterRecovery(): void {
    this.#saveState();
    this.#repair = 'fast-recovery';
  }

  exitRecovery(): void {
    this.#repair = 'none';
    this.#undo.forget();
    this.#restoreCwnd();
  }

  timedOut(): void {
    this.#saveState();
    this.#repair = 'after-timeout';
    // After a timeout, send one segment, then as much data as each ACK delivers, up to the model's
    // window.
    this.#model.cwnd = this.#model.mss;
  }

  undo(state: DeliveryState): void {
    const model = this.#model;
    this.#repair = 'none';
    this.#restoreCwnd();
    model.latest.hasLoss = false;
    model.fullPipe.reset();
    const phase = this.#undo.restore();
    if (phase === 'Startup') model.fullPipe.isReached = false;
    if (model.phase === 'ProbeRTT') return;
    if (phase === 'Startup') model.phase = 'Startup';
    if (phase === 'ProbeBW_UP' && model.phase !== 'ProbeBW_UP') this.#probe.startRefill(state);
  }

  acknowledged(sample: AckSample, state: DeliveryState, now: number): void {
    const model = this.#model;
    const isAppLimited = sample.isAppLimited || this.#probeRtt.isLimited(sample.priorDelivered);
    this.#countRound(sample, state);
    this.#updateCongestionSignals(sample, isAppLimited, state);
    this.#updateAggregation(sample, now);
    if (model.rounds.isStart && !isAppLimited) model.fullPipe.roundEnded(sample.deliveryRate);
    this.#checkStartupDone(sample, state);
    this.#checkDrainDone(state, now);
    if (model.fullPipe.isReached) this.#probe.update(sample, isAppLimited, state, now);
    model.roundTrip.update(sample.rtt, now);
    this.#checkProbeRtt(sample, state, now);
    model.latest.advance(sample);
    model.boundBandwidth();

    this.#startPacing(state);
    this.#setPacingRate(PACING_GAINS[model.phase]);
    this.#setSendQuantum();
    this.#setCwnd(sample, state);
  }

  #countRound(sample: AckSample, state: DeliveryState): void {
    const { cwnd, mss, rounds, validation } = this.#model;
    rounds.update(sample.priorDelivered, state.delivered);
    validation.sample(sample.priorInflight, cwnd, mss, rounds.isStart);
  }

  #updateCongestionSignals(sample: AckSample, isAppLimited: boolean, state: DeliveryState): void {
    const model = this.#model;
    model.latest.update(sample, state.delivered);
    model.sampleBandwidth(sample.deliveryRate, isAppLimited);
    if (!model.latest.isRoundStart) return;
    model.lossRoundEnded(state);
    model.latest.hasLoss = false;
  }

  #updateAggregation({ newlyDelivered }: AckSample, now: number): void {
    const { aggregation, bandwidth, cwnd, fullPipe, rounds } = this.#model;
    if (rounds.isStart && !fullPipe.isReached) aggregation.forget();
    aggregation.update(newlyDelivered, bandwidth, cwnd, rounds.count, now);
  }

  #checkStartupDone(sample: AckSample, state: DeliveryState): void {
    const model = this.#model;
    if (model.phase !== 'Startup') return;
    const { isRoundStart } = model.latest;
    const isInFastRecovery = this.#repair === 'fast-recovery';
    if (this.#startupLoss.isTooHigh(sample, state, isRoundStart, isInFastRecovery)) {
      this.#undo.left('Startup');
      model.fullPipe.declareFull();
      model.longTermInflight = Math.max(model.bdp(model.bandwidth, 1), model.latest.inflight);
    }
    if (!model.fullPipe.isReached) return;
    model.phase = 'Drain';
    this.#drainStartRound = model.rounds.count;
  }

  #checkDrainDone(state: DeliveryState, now: number): void {
    const model = this.#model;
    if (model.phase !== 'Drain') return;
    const isDrained = state.inflight <= model.inflight(model.bandwidth, 1);
    if (!isDrained && model.rounds.count <= this.#drainStartRound + DRAIN_ROUNDS) return;
    this.#probe.startDown(state, now);
  }

  #checkProbeRtt(sample: AckSample, state: DeliveryState, now: number): void {
    const model = this.#model;
    if (model.phase !== 'ProbeRTT' && model.roundTrip.isExpired && !this.#isIdleRestart) {
      this.#saveCwnd();
      this.#probeRtt.enter(state);
      this.#probe.interrupt();
    }
    if (model.phase === 'ProbeRTT' && this.#probeRtt.update(state, now)) {
      this.#exitProbeRtt(state, now);
    }
    if (sample.delivered > 0) this.#isIdleRestart = false;
  }

  #exitProbeRtt(state: DeliveryState, now: number): void {
    const model = this.#model;
    model.roundTrip.probed(now);
    this.#restoreCwnd();
    model.resetShortTerm();
    if (model.fullPipe.isReached) {
      this.#probe.startDown(state, now);
      this.#probe.startCruise();
    } else {
      model.phase = 'Startup';
    }
  }

  /** Replaces the assumed RTT with the first measured one. */
  #startPacing({ srtt }: DeliveryState): void {
    if (this.#hasRoundTrip || srtt === 0) return;
    this.#hasRoundTrip = true;
    this.#pacingRate = (STARTUP_PACING_GAIN * initialWindow(this.#model.mss)) / srtt;
  }

  /**
   * SetPacingRateWithGain(): until the pipe is full for the first time, the rate only increases.
   */
  #setPacingRate(gain: number): void {
    const { bandwidth, fullPipe } = this.#model;
    const rate = gain * bandwidth * (1 - PACING_MARGIN);
    const mayFall = fullPipe.isReached && rate > 0;
    this.#pacingRate = mayFall ? rate : Math.max(rate, this.#pacingRate);
  }

  #setSendQuantum(): void {
    this.#model.sendQuantum = sendQuantum(this.#pacingRate, this.#model.mss);
  }

  #setCwnd({ newlyDelivered }: AckSample, { delivered }: DeliveryState): void {
    const model = this.#model;
    const { maximumInflight } = model;
    const grown = model.cwnd + newlyDelivered;
    let { cwnd } = model;
    if (model.fullPipe.isReached) cwnd = Math.min(grown, maximumInflight);
    else if (cwnd < maximumInflight || delivered < initialWindow(model.mss)) cwnd = grown;
    cwnd = Math.max(cwnd, model.minimumPipe);
    if (model.phase === 'ProbeRTT') cwnd = Math.min(cwnd, this.#probeRtt.cwnd);
    model.cwnd = Math.min(cwnd, this.#mostInflight(), MAXIMUM_WINDOW);
  }

  /** BoundCwndForModel(): the upper bound for cwnd in the current phase. */
  #mostInflight(): number {
    const { phase, longTermInflight, shortTermInflight, inflightWithHeadroom } = this.#model;
    let most = Infinity;
    if (phase === 'ProbeRTT' || phase === 'ProbeBW_CRUISE') most = inflightWithHeadroom;
    else if (isProbeBandwidth(phase)) most = longTermInflight;
    return Math.max(Math.min(most, shortTermInflight), this.#model.minimumPipe);
  }

  #saveState(): void {
    this.#saveCwnd();
    this.#undo.save();
  }

  #saveCwnd(): void {
    const { cwnd, phase } = this.#model;
    const isModulated = this.#repair !== 'none' || phase === 'ProbeRTT';
    this.#priorCwnd = isModulated ? Math.max(this.#priorCwnd, cwnd) : cwnd;
  }

  #restoreCwnd(): void {
    this.#model.cwnd = Math.max(this.#model.cwnd, this.#priorCwnd);
  }
}
