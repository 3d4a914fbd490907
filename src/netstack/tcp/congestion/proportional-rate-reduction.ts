/**
 * Proportional Rate Reduction (RFC 9937): how much may leave for each ACK of fast recovery, so that
 * what is in flight shrinks evenly from what it was to ssthresh, and does not fall short of it.
 */
import type { AckSample, DeliveryState } from './congestion-control.js';

/** Duplicate ACKs that begin a recovery where the peer sends no SACKs. */
const DUPLICATE_THRESHOLD = 3;

export class ProportionalRateReduction {
  /** RecoverFS: in flight when the recovery began, what was then found lost included. */
  #recoverFlightSize = 0;
  /** prr_delivered. */
  #delivered = 0;
  /** What #sent() was when the recovery began; what it grows by is prr_out. */
  #sentBefore = 0;
  /** Without SACK: bytes that duplicate ACKs showed to have arrived, and SND.UNA has not passed. */
  #unseen = 0;
  /** The ACK that began the recovery has yet to be counted. */
  #isBeginning = false;

  /** Recovery begins, or ssthresh was lowered once more within it; window() follows at once. */
  begin(state: DeliveryState): void {
    this.#delivered = 0;
    this.#unseen = state.usesSack ? 0 : DUPLICATE_THRESHOLD * state.mss;
    this.#sentBefore = this.#sent(state);
    this.#isBeginning = true;
  }

  /** RFC 9937 6.2: the window after an ACK. */
  window(sample: AckSample, state: DeliveryState, ssthresh: number): number {
    const { inflight, mss } = state;
    const deliveredData = this.#deliveredData(sample, state);
    const out = this.#sent(state) - this.#sentBefore;
    this.#delivered += deliveredData;
    if (this.#isBeginning) {
      // What this ACK delivered and lost was in flight before it.
      this.#recoverFlightSize = sample.priorInflight;
      this.#isBeginning = false;
    }
    let allowed: number;
    if (inflight > ssthresh) {
      const proportion = ssthresh / Math.max(this.#recoverFlightSize, mss);
      allowed = Math.ceil(this.#delivered * proportion) - out;
    } else {
      // The conservative bound: what was delivered may be sent. safeACK allows slow start's pace.
      allowed = Math.max(this.#delivered - out, deliveredData);
      if (sample.isCumulative && sample.newlyLost === 0) allowed += mss;
      allowed = Math.min(allowed, ssthresh - inflight);
    }
    // The first retransmission leaves whatever the rest says.
    if (out <= 0) allowed = Math.max(allowed, mss);
    return inflight + Math.max(0, allowed);
  }

  /** All that was sent so far: it is in flight, has arrived, or is lost. */
  #sent(state: DeliveryState): number {
    return state.inflight + state.delivered + state.lost + this.#unseen;
  }

  /**
   * DeliveredData of RFC 9937. Without SACK, a duplicate ACK stands for one segment, and an ACK that
   * moves SND.UNA for what it covers beyond those.
   */
  #deliveredData({ acknowledged, newlyDelivered }: AckSample, { usesSack }: DeliveryState): number {
    if (usesSack) return newlyDelivered;
    if (acknowledged === 0) {
      if (!this.#isBeginning) this.#unseen += newlyDelivered;
      return newlyDelivered;
    }
    const news = Math.max(0, acknowledged - this.#unseen);
    this.#unseen = Math.max(0, this.#unseen - acknowledged);
    return news;
  }
}
