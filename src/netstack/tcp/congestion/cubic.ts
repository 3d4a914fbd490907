/** CUBIC's congestion avoidance (RFC 9438 4). Names follow section 4.1. */
import type { AvoidanceLaw } from './avoidance-law.js';
import { cubicWindow, timeToMaximum } from './cubic-curve.js';

/** The multiplicative decrease factor (RFC 9438 4.6). */
const BETA = 0.7;

/** The additive increase that, together with BETA, yields Reno's average window (RFC 9438 4.3). */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);

/** RFC 9438 4.2: the target for one round trip is at most 1.5 times the window. */
const LARGEST_TARGET = 1.5;

/** The state that a reduction changes. Windows are in octets. */
interface Epoch {
  /** W_max; 0 if unknown, that is, if the next stage follows slow start or a timeout. */
  maximum: number;
  /** cwnd_prior: the window before the reduction. */
  prior: number;
  /** epoch_start: when congestion avoidance began; -1 before that. */
  start: number;
  /** W_max of the current curve. It differs from `maximum` if the stage started without a W_max. */
  plateau: number;
  /** K: the time until the curve reaches W_max, in ms. */
  timeToPlateau: number;
  /** W_est: the estimated window of Reno. */
  estimate: number;
}

export class Cubic implements AvoidanceLaw {
  readonly algorithm = 'cubic';
  #epoch: Epoch = {
    maximum: 0,
    prior: 0,
    start: -1,
    plateau: 0,
    timeToPlateau: 0,
    estimate: 0,
  };
  #saved: Epoch = { ...this.#epoch };

  /**
   * RFC 9438 4.6. cwnd may be used instead of FlightSize because an unused window does not grow.
   */
  reduced(window: number, _flightSize: number, mss: number): number {
    const epoch = this.#epoch;
    epoch.prior = window;
    // RFC 9438 4.7, fast convergence: leave room for new flows if the window is smaller than
    // before.
    epoch.maximum = window < epoch.maximum ? (window * (1 + BETA)) / 2 : window;
    epoch.start = -1;
    return Math.max(window * BETA, 2 * mss);
  }

  timedOut(): void {
    // RFC 9438 4.8: after a timeout, the next stage starts with W_max = cwnd and K = 0.
    this.#epoch.maximum = 0;
    this.#epoch.start = -1;
  }

  grown(cwnd: number, acknowledged: number, mss: number, srtt: number, now: number): number {
    const epoch = this.#epoch;
    if (epoch.start < 0) this.#begin(cwnd, mss, now);
    const elapsed = now - epoch.start;
    const share = Math.min(acknowledged / cwnd, 1);
    // RFC 9438 4.3: after W_est reaches cwnd_prior, alpha is 1, as in Reno.
    const alpha = epoch.estimate >= epoch.prior ? 1 : ALPHA;
    epoch.estimate += alpha * mss * share;
    if (this.#curve(elapsed, mss) < epoch.estimate) return Math.max(cwnd, epoch.estimate);
    const target = this.#curve(elapsed + srtt, mss);
    const bounded = Math.min(Math.max(target, cwnd), LARGEST_TARGET * cwnd);
    return cwnd + (bounded - cwnd) * share;
  }

  /** RFC 9438 4.2: starts a stage of congestion avoidance. */
  #begin(cwnd: number, mss: number, now: number): void {
    const epoch = this.#epoch;
    epoch.start = now;
    epoch.estimate = cwnd;
    epoch.plateau = Math.max(epoch.maximum, cwnd);
    epoch.timeToPlateau = timeToMaximum(epoch.plateau / mss, cwnd / mss);
  }

  #curve(elapsed: number, mss: number): number {
    const { plateau, timeToPlateau } = this.#epoch;
    return mss * cubicWindow(elapsed, plateau / mss, timeToPlateau);
  }

  /** RFC 9438 4.2, 5.8: t excludes the time during which cwnd could not grow. */
  paused(duration: number): void {
    if (this.#epoch.start >= 0) this.#epoch.start += duration;
  }

  /** RFC 9438 4.9: saves the state to restore after a spurious congestion event. */
  save(): void {
    Object.assign(this.#saved, this.#epoch);
  }

  restore(): void {
    Object.assign(this.#epoch, this.#saved);
  }
}
