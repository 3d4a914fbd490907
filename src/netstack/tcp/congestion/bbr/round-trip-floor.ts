/** The round trip without queues, as far as it was seen: draft-ietf-ccwg-bbr 5.3.4.3, 5.5.7. */
import { MINIMUM_RTT_FILTER_LENGTH, PROBE_RTT_INTERVAL } from './parameters.js';

export class RoundTripFloor {
  /** BBR.min_rtt: the shortest of the last 10 s; Infinity before the first sample. */
  value = Infinity;
  /** BBR.probe_rtt_expired: nothing as short was seen for 5 s. */
  isExpired = false;
  #valueAt: number;
  /** BBR.probe_rtt_min_delay. */
  #recent = Infinity;
  #recentAt: number;

  constructor(now: number) {
    this.#valueAt = now;
    this.#recentAt = now;
  }

  /** @param rtt -1 where the ACK shows none */
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

  /** A ProbeRTT ended; the next one is due after a whole interval. */
  probed(now: number): void {
    this.#recentAt = now;
  }
}
