/** Estimates the delivery rate: the rate samples of draft-ietf-ccwg-bbr 4.1. */
import { sequenceBefore } from '../../../lib/sequence-number.js';
import type { AckSample } from '../congestion/congestion-control.js';
import type { SentSegment } from './sent-segments.js';

/** RS: the rate sample for one ACK. Each connection reuses one object for all ACKs. */
export class RateSample implements AckSample {
  isCumulative = false;
  acknowledged = 0;
  newlyDelivered = 0;
  newlyLost = 0;
  priorInflight = 0;
  rtt = -1;
  deliveryRate = 0;
  delivered = 0;
  lost = 0;
  priorDelivered = -1;
  inflight = 0;
  isAppLimited = false;

  clear(): void {
    this.isCumulative = false;
    this.acknowledged = 0;
    this.newlyDelivered = 0;
    this.newlyLost = 0;
    this.priorInflight = 0;
    this.rtt = -1;
    this.deliveryRate = 0;
    this.delivered = 0;
    this.lost = 0;
    this.priorDelivered = -1;
    this.inflight = 0;
    this.isAppLimited = false;
  }
}

export class DeliveryRate {
  /** C.delivered: the octets delivered so far. */
  delivered = 0;
  /** C.lost: the octets marked lost so far. */
  lost = 0;
  readonly sample = new RateSample();
  /** C.delivered_time: when `delivered` last changed. */
  #deliveredAt = 0;
  /** C.first_send_time: send time of the newest segment that the last ACK covered. */
  #firstSentAt = 0;
  /**
   * C.app_limited: samples are application-limited until `delivered` exceeds this value; 0 if they
   * are not limited.
   */
  #appLimitedUntil = 0;
  /** Send time of the newest segment that this ACK has delivered so far; -1 if none. */
  #newestSentAt = -1;
  #newestEnd = 0;
  #sendElapsed = 0;
  #priorDeliveredAt = 0;
  #priorLost = 0;

  get isAppLimited(): boolean {
    return this.#appLimitedUntil > 0;
  }

  /**
   * Records the delivery state in a segment when it is sent (draft-ietf-ccwg-bbr 4.1.2.2).
   *
   * @param inflight octets in flight before this segment
   */
  sending(segment: SentSegment, inflight: number, now: number): void {
    if (inflight === 0) {
      this.#firstSentAt = now;
      this.#deliveredAt = now;
    }
    segment.sentAt = now;
    segment.firstSentAt = this.#firstSentAt;
    segment.deliveredAt = this.#deliveredAt;
    segment.delivered = this.delivered;
    segment.lost = this.lost;
    segment.inflight = inflight + segment.length;
    segment.isAppLimited = this.isAppLimited;
  }

  /**
   * Marks the flow as application-limited: the user has no more data to send although the window is
   * open (draft-ietf-ccwg-bbr 4.1.2.4).
   */
  limitedByUser(inflight: number): void {
    this.#appLimitedUntil = this.delivered + inflight || 1;
  }

  beginAck(inflight: number): void {
    this.sample.clear();
    this.sample.priorInflight = inflight;
    this.#newestSentAt = -1;
  }

  /** UpdateRateSample() of draft-ietf-ccwg-bbr 4.1.2.3: adds a delivered segment to the sample. */
  segmentDelivered(segment: SentSegment, now: number): void {
    const { sample } = this;
    this.delivered += segment.length;
    this.#deliveredAt = now;
    sample.newlyDelivered += segment.length;
    if (!this.#isNewest(segment)) return;
    this.#newestSentAt = segment.sentAt;
    this.#newestEnd = segment.end;
    this.#sendElapsed = segment.sentAt - segment.firstSentAt;
    this.#priorDeliveredAt = segment.deliveredAt;
    this.#priorLost = segment.lost;
    this.#firstSentAt = segment.sentAt;
    sample.priorDelivered = segment.delivered;
    sample.inflight = segment.inflight;
    sample.isAppLimited = segment.isAppLimited;
    sample.rtt = segment.isRetransmitted ? -1 : now - segment.sentAt;
  }

  #isNewest({ sentAt, end }: SentSegment): boolean {
    if (sentAt !== this.#newestSentAt) return sentAt > this.#newestSentAt;
    return sequenceBefore(this.#newestEnd, end);
  }

  /**
   * GenerateRateSample() of draft-ietf-ccwg-bbr 4.1.2.3: completes the sample after all segments
   * that the ACK delivered were added.
   */
  endAck(minimumRtt: number): void {
    const { sample } = this;
    if (this.#appLimitedUntil > 0 && this.delivered > this.#appLimitedUntil) {
      this.#appLimitedUntil = 0;
    }
    if (sample.priorDelivered < 0) return;
    sample.delivered = this.delivered - sample.priorDelivered;
    sample.lost = this.lost - this.#priorLost;
    const interval = Math.max(this.#sendElapsed, this.#deliveredAt - this.#priorDeliveredAt);
    // An interval below the minimum RTT would measure ACK compression instead of the path.
    if (interval <= 0 || interval < minimumRtt) return;
    sample.deliveryRate = sample.delivered / interval;
  }
}
