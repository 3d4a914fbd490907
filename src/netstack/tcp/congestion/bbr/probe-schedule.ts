/**
 * Schedules bandwidth probes: every 2 to 3 s, or earlier if a Reno flow would fill the path earlier
 * (draft-ietf-ccwg-bbr 5.3.3.8). Random times keep flows from probing simultaneously.
 */
import { PROBE_WAIT, PROBE_WAIT_SPREAD, RENO_ROUNDS } from './parameters.js';

export class ProbeSchedule {
  readonly #random: () => number;
  /** BBR.cycle_stamp: when the current ProbeBW cycle started. */
  #startedAt = 0;
  /** BBR.bw_probe_wait: the maximum time until the next bandwidth probe. */
  #wait = 0;
  /** The round from which rounds_since_probe_up is counted. */
  #startRound = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** PickProbeWait(): schedules the next probe when a probe ends. */
  restart(round: number, now: number): void {
    this.#startRound = round - Math.floor(this.#random() * 2);
    this.#wait = PROBE_WAIT + PROBE_WAIT_SPREAD * this.#random();
    this.#startedAt = now;
  }

  /**
   * @param target the target inflight in segments, which is also the number of rounds that Reno
   * would need
   */
  isDue(target: number, round: number, now: number): boolean {
    if (now > this.#startedAt + this.#wait) return true;
    return round - this.#startRound >= Math.min(target, RENO_ROUNDS);
  }
}
