/** Estimates the RTT of the path without queues (draft-ietf-ccwg-bbr 5.3.4.3, 5.5.7). */
import { MINIMUM_RTT_FILTER_LENGTH, PROBE_RTT_INTERVAL } from './parameters.js';

export class RoundTripFloor {
  /** BBR.min_rtt: the minimum RTT of the last 10 s; Infinity before the first sample. */
  value = Infinity;
  /** BBR.probe_rtt_expired: whether BBR.probe_rtt_min_delay is older than 5 s. */
  isExpired = false;
  #valueAt: number;
  /** BBR.probe_rtt_min_delay: the minimum RTT since roughly the last ProbeRTT. */
  #recent = Infinity;
  #recentAt: number;

  constructor(now: number) {
    this.#valueAt = now;
    this.#recentAt = now;
  }

  /** @param rtt the RTT in ms; -1 if unknown */
  update(rtt: number, now: number): void {
    this.isExpired = now > this.#recentAt + PROBE_RTT_INTERVAL;
    if (rtt >= 0 && (rtt < this.#recent || this.isExpired)) {
      this.#recent = rtt;
      this.#recentAt = now;
    }
    const isValueExpired = now > this.#valueAt + MINIMUM_RTT_FILTER_LENGTH;
    if (this.#recent < this.value || isValueExpired) {
      this.value = this.#recent;
      this.#valueAt = this.#recentAt;
    }
  }

  /** Records the end of a ProbeRTT; the next one is due after a full interval. */
  probed(now: number): void {
    this.#recentAt = now;
  }
}
