/**
 * Proportional Rate Reduction (RFC 9937): how much may leave for each ACK of fast recovery, so that
 * what is in flight shrinks evenly from what it was to ssthresh, and does not fall short of it.
 */
import type { AckSample, DeliveryState } from './congestion-control.js';

/** All that was sent so far; sent again counts again. */
function sent(state: DeliveryState): number {
  return state.inflight + state.delivered + state.lost;
}

export class ProportionalRateReduction {
  /** RecoverFS: in flight when the recovery began, what was then found lost included. */
  #recoverFlightSize = 0;
  /** prr_delivered. */
  #delivered = 0;
  /** What sent() was when the recovery began; what it grows by is prr_out. */
  #sentBefore = 0;

  /**
   * Recovery begins, or ssthresh was lowered once more within it.
   *
   * @param newlyLost what was found lost since the last ACK, and is no more in state.inflight
   */
  begin(state: DeliveryState, newlyLost: number): void {
    this.#recoverFlightSize = state.inflight + newlyLost;
    this.#delivered = 0;
    this.#sentBefore = sent(state);
  }

  /** RFC 9937 6.2: the window after an ACK. */
  window(sample: AckSample, state: DeliveryState, ssthresh: number): number {
    const { inflight, mss } = state;
    const out = sent(state) - this.#sentBefore;
    if (this.#delivered === 0 && out === 0) {
      // The ACK that began the recovery counts in full: what it delivered was in flight.
      this.#recoverFlightSize = Math.max(this.#recoverFlightSize, sample.priorInflight);
    }
    this.#delivered += sample.newlyDelivered;
    let allowed: number;
    if (inflight > ssthresh) {
      const proportion = ssthresh / Math.max(this.#recoverFlightSize, mss);
      allowed = Math.ceil(this.#delivered * proportion) - out;
    } else {
      // The conservative bound: what was delivered may be sent. safeACK allows slow start's pace.
      allowed = Math.max(this.#delivered - out, sample.newlyDelivered);
      if (sample.isCumulative && sample.newlyLost === 0) allowed += mss;
      allowed = Math.min(allowed, ssthresh - inflight);
    }
    // The first retransmission leaves whatever the rest says.
    if (out === 0) allowed = Math.max(allowed, mss);
    return inflight + Math.max(0, allowed);
  }
}
