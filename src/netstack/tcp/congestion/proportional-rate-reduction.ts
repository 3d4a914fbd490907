/**
 * Proportional Rate Reduction (RFC 9937): limits how much the sender sends for each ACK in fast
 * recovery, so that inflight decreases evenly to ssthresh but not further.
 */
import type { AckSample, DeliveryState } from './congestion-control.js';

/** The number of duplicate ACKs that start a recovery if the peer does not send SACKs. */
const DUPLICATE_THRESHOLD = 3;

export class ProportionalRateReduction {
  /** RecoverFS: the octets in flight when the recovery began, including those just marked lost. */
  #recoverFlightSize = 0;
  /** prr_delivered: the octets delivered in this recovery. */
  #delivered = 0;
  /** The value of #sent() when the recovery began; the increase since then is prr_out. */
  #sentBefore = 0;
  /** Without SACK: octets above SND.UNA that have arrived according to duplicate ACKs. */
  #unseen = 0;
  /** Whether the ACK that started the recovery has not been counted yet. */
  #isBeginning = false;

  /**
   * Starts a recovery, or restarts it after ssthresh was lowered again. The caller must call
   * window() next.
   */
  begin(state: DeliveryState): void {
    this.#delivered = 0;
    this.#unseen = state.usesSack ? 0 : DUPLICATE_THRESHOLD * state.mss;
    this.#sentBefore = this.#sent(state);
    this.#isBeginning = true;
  }

  /** RFC 9937 6.2: returns the window after an ACK. */
  window(sample: AckSample, state: DeliveryState, ssthresh: number): number {
    const { inflight, mss } = state;
    const deliveredData = this.#deliveredData(sample, state);
    const out = this.#sent(state) - this.#sentBefore;
    this.#delivered += deliveredData;
    if (this.#isBeginning) {
      // Use the octets in flight before this ACK, which include those that it delivered or marked
      // lost.
      this.#recoverFlightSize = sample.priorInflight;
      this.#isBeginning = false;
    }
    let allowed: number;
    if (inflight > ssthresh) {
      const proportion = ssthresh / Math.max(this.#recoverFlightSize, mss);
      allowed = Math.ceil(this.#delivered * proportion) - out;
    } else {
      // The conservative bound: send as many octets as were delivered. A safeACK allows one more
      // segment.
      allowed = Math.max(this.#delivered - out, deliveredData);
      if (sample.isCumulative && sample.newlyLost === 0) allowed += mss;
      allowed = Math.min(allowed, ssthresh - inflight);
    }
    // Always allow the first retransmission.
    if (out <= 0) allowed = Math.max(allowed, mss);
    return inflight + Math.max(0, allowed);
  }

  /** The total octets sent so far: in flight, delivered, or lost. */
  #sent(state: DeliveryState): number {
    return state.inflight + state.delivered + state.lost + this.#unseen;
  }

  /**
   * DeliveredData of RFC 9937. Without SACK, each duplicate ACK counts as one segment. When SND.UNA
   * moves, only octets that were not already counted for a duplicate ACK are added.
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
