/**
 * Window-based congestion control (RFC 5681): slow start with HyStart++, Reno or CUBIC congestion
 * avoidance, and Proportional Rate Reduction in fast recovery. Pacing avoids bursts of a full
 * window. Read RFC 5681 3 and RFC 9438 4 before you change this file.
 */
import type { AvoidanceLaw } from './avoidance-law.js';
import type {
  AckSample,
  CongestionAlgorithm,
  CongestionControl,
  DeliveryState,
  Transmission,
} from './congestion-control.js';
import { HyStart } from './hystart.js';
import { initialWindow, MAXIMUM_WINDOW } from './initial-window.js';
import { PacketTimedRounds } from './packet-timed-rounds.js';
import { ProportionalRateReduction } from './proportional-rate-reduction.js';
import { sendQuantum } from './send-quantum.js';
import { WindowValidation } from './window-validation.js';

/** RFC 9406 4.3: L, the slow start limit in segments without pacing. */
const SLOW_START_LIMIT = 8;

/**
 * The pacing rate as a multiple of cwnd/srtt. Pacing must not slow down window growth, and in slow
 * start the window doubles each round trip.
 */
const SLOW_START_PACING_GAIN = 2;
const AVOIDANCE_PACING_GAIN = 1.2;

type Repair = 'none' | 'fast-recovery' | 'after-timeout';

export class WindowControl implements CongestionControl {
  readonly #law: AvoidanceLaw;
  readonly #rounds = new PacketTimedRounds();
  readonly #validation = new WindowValidation();
  readonly #hystart = new HyStart();
  readonly #prr = new ProportionalRateReduction();
  #mss: number;
  #cwnd: number;
  #ssthresh = Infinity;
  #pacingRate = Infinity;
  #repair: Repair = 'none';
  /** Whether the ACK being processed ended fast recovery. */
  #hasJustRecovered = false;
  /** When the window was last reduced, and DeliveryState.lost at that time. */
  #reducedAt = -Infinity;
  #lostAtReduction = 0;
  #acknowledgedAt = 0;
  #undoCwnd = 0;
  #undoSsthresh = 0;

  constructor(law: AvoidanceLaw, mss: number) {
    this.#law = law;
    this.#mss = mss;
    this.#cwnd = initialWindow(mss);
  }

  get algorithm(): CongestionAlgorithm {
    return this.#law.algorithm;
  }

  get cwnd(): number {
    return this.#cwnd;
  }

  get ssthresh(): number {
    return this.#ssthresh;
  }

  get pacingRate(): number {
    return this.#pacingRate;
  }

  get sendQuantum(): number {
    return sendQuantum(this.#pacingRate, this.#mss);
  }

  setMss(mss: number): void {
    if (this.#cwnd === initialWindow(this.#mss)) this.#cwnd = initialWindow(mss);
    this.#mss = mss;
    this.#cwnd = Math.max(this.#cwnd, mss);
  }

  handshakeRepeated(): void {
    // RFC 5681 3.1: if SYNs or SYN-ACKs were lost, the initial window MUST be one segment.
    this.#cwnd = this.#mss;
  }

  restart(_state: DeliveryState, idle: number, rto: number, now: number): void {
    this.#law.paused(now - this.#acknowledgedAt);
    this.#acknowledgedAt = now;
    const restartWindow = initialWindow(this.#mss);
    if (idle <= rto || this.#cwnd <= restartWindow) return;
    // RFC 7661 4.4.3: the window before the idle period is still the best estimate for ssthresh.
    this.#ssthresh = Math.max(this.#ssthresh, 0.75 * this.#cwnd);
    // RFC 5681 4.1: after an idle period longer than the RTO, send at most the restart window.
    this.#cwnd = restartWindow;
    this.#validation.reset();
    this.#hystart.restart();
  }

  lost(segment: Transmission, state: DeliveryState, now: number): void {
    if (this.#repair === 'none') return;
    // RFC 5681 4.3: losing a segment sent after the reduction, usually a retransmission, is a
    // second sign of congestion. The window MUST be reduced again.
    const isOfThisRepair =
      segment.sentAt >= this.#reducedAt && segment.lost >= this.#lostAtReduction;
    if (isOfThisRepair) this.#reduce(state, now);
  }

  enterRecovery(state: DeliveryState, now: number): void {
    this.#save();
    this.#reduce(state, now);
    this.#repair = 'fast-recovery';
    // If a timer detected the loss, no ACK follows immediately: allow one segment to be sent.
    this.#cwnd = state.inflight + this.#mss;
    this.#pace(state);
  }

  acknowledged(sample: AckSample, state: DeliveryState, now: number): void {
    const { isCumulative, priorInflight, rtt } = sample;
    this.#rounds.update(sample.priorDelivered, state.delivered);
    this.#validation.sample(priorInflight, this.#cwnd, this.#mss, this.#rounds.isStart);
    const isSlowStartOver =
      this.#ssthresh === Infinity && this.#hystart.acknowledged(rtt, this.#rounds.isStart);
    if (isSlowStartOver) this.#ssthresh = this.#cwnd;

    if (this.#repair === 'fast-recovery') {
      const window = this.#prr.window(sample, state, this.#ssthresh);
      this.#cwnd = Math.max(window, this.#mss);
    } else if (isCumulative && !this.#hasJustRecovered) {
      // RFC 5681 3.2, RFC 3042 2: duplicate ACKs MUST NOT change cwnd.
      this.#grow(sample.acknowledged, state, now);
    }
    this.#hasJustRecovered = false;
    this.#acknowledgedAt = now;
    this.#pace(state);
  }

  #grow(acknowledged: number, state: DeliveryState, now: number): void {
    if (this.#cwnd < this.#ssthresh) {
      if (this.#validation.used * 2 < this.#cwnd) return;
      const growth = this.#slowStartGrowth(acknowledged);
      this.#cwnd = Math.min(this.#cwnd + growth, this.#ssthresh, MAXIMUM_WINDOW);
    } else if (this.#validation.isCwndLimited) {
      const grown = this.#law.grown(this.#cwnd, acknowledged, this.#mss, state.srtt, now);
      this.#cwnd = Math.min(grown, MAXIMUM_WINDOW);
    } else {
      this.#law.paused(now - this.#acknowledgedAt);
    }
  }

  #slowStartGrowth(acknowledged: number): number {
    // RFC 3465 2.3: an ACK after a timeout may cover segments that were sent twice.
    if (this.#repair === 'after-timeout') return Math.min(acknowledged, this.#mss);
    const isPaced = this.#pacingRate !== Infinity;
    const limit = isPaced ? Infinity : SLOW_START_LIMIT * this.#mss;
    return Math.min(acknowledged, limit) / this.#hystart.growthDivisor;
  }

  exitRecovery(state: DeliveryState): void {
    // RFC 9937 6.4: set cwnd to ssthresh at the end of recovery. Pacing prevents a burst.
    if (this.#repair === 'fast-recovery') this.#cwnd = this.#ssthresh;
    this.#hasJustRecovered = this.#repair === 'fast-recovery';
    this.#repair = 'none';
    this.#pace(state);
  }

  timedOut(state: DeliveryState, isFirst: boolean, now: number): void {
    this.#save();
    // RFC 5681 3.1: keep ssthresh if the same segment times out again.
    if (isFirst) this.#reduce(state, now);
    this.#mark(state, now);
    this.#law.timedOut();
    this.#repair = 'after-timeout';
    this.#cwnd = this.#mss;
    this.#pace(state);
  }

  undo(state: DeliveryState): void {
    this.#cwnd = Math.max(this.#cwnd, this.#undoCwnd);
    this.#ssthresh = Math.max(this.#ssthresh, this.#undoSsthresh);
    this.#law.restore();
    this.#repair = 'none';
    this.#pace(state);
  }

  /** Saves the state for undo(), before the first reduction of a recovery. */
  #save(): void {
    if (this.#repair !== 'none') return;
    this.#undoCwnd = this.#cwnd;
    this.#undoSsthresh = this.#ssthresh;
    this.#law.save();
  }

  #reduce(state: DeliveryState, now: number): void {
    // In fast recovery, cwnd tracks the octets in flight, so ssthresh is the effective window.
    const window = this.#repair === 'fast-recovery' ? this.#ssthresh : this.#cwnd;
    this.#ssthresh = this.#law.reduced(window, state.flightSize, this.#mss);
    this.#cwnd = Math.min(this.#cwnd, this.#ssthresh);
    this.#mark(state, now);
    this.#prr.begin(state);
  }

  /**
   * Records a reduction, because the loss of a segment that is sent later signals congestion even
   * at the reduced window.
   */
  #mark(state: DeliveryState, now: number): void {
    this.#reducedAt = now;
    this.#lostAtReduction = state.lost;
  }

  #pace({ srtt }: DeliveryState): void {
    if (srtt === 0) return;
    const isRecovering = this.#repair === 'fast-recovery';
    const window = isRecovering ? Math.max(this.#cwnd, this.#ssthresh) : this.#cwnd;
    const isFarBelow = !isRecovering && this.#cwnd * 2 < this.#ssthresh;
    const gain = isFarBelow ? SLOW_START_PACING_GAIN : AVOIDANCE_PACING_GAIN;
    this.#pacingRate = (gain * window) / srtt;
  }
}
