/** RACK: a segment is lost if it was sent well before one that has arrived (RFC 8985 6). */
import { sequenceBefore } from '../../../lib/sequence-number.js';
import type { SentSegment, SentSegments } from './sent-segments.js';

/** DupThresh of RFC 8985 6.2 step 4 and of RFC 5681 3.2. */
export const DUPLICATE_THRESHOLD = 3;

/**
 * RFC 8985 6.2 step 4: a widened reordering window is reset after this many recoveries without a
 * DSACK.
 */
const RECOVERIES_UNTIL_RESET = 16;

/** Timer resolution in ms: a timer that is due sooner counts as expired. */
const RESOLUTION = 1e-3;

export interface RackContext {
  readonly isRecovering: boolean;
  readonly srtt: number;
  readonly minimumRtt: number;
  readonly now: number;
}

export class Rack {
  /** RACK.xmit_ts and RACK.end_seq of the most recently sent segment that has arrived. */
  #sentAt = -1;
  #end = 0;
  /** RACK.rtt: the RTT in ms of the most recently delivered segment. */
  #rtt = 0;
  /** RACK.fack: the highest sequence number known to have arrived. */
  #fack: number;
  #isReordering = false;
  /** RACK.reo_wnd_mult: the multiplier of the reordering window. */
  #multiplier = 1;
  /** RACK.reo_wnd_persist: the number of recoveries until the multiplier is reset. */
  #recoveriesLeft = RECOVERIES_UNTIL_RESET;
  /**
   * RACK.dsack_round: SND.NXT when the window was last widened, which happens at most once per
   * round trip.
   */
  #widenedUntil: number | undefined = undefined;

  constructor(iss: number) {
    this.#fack = iss;
  }

  /** RACK.reordering_seen: whether reordering was detected. */
  get isReordering(): boolean {
    return this.#isReordering;
  }

  /**
   * Records that a segment has arrived (RFC 8985 6.2, steps 2 and 3).
   *
   * @param echoedAt send time of the segment whose timestamp the ACK echoes; -1 without timestamps
   */
  segmentDelivered(segment: SentSegment, echoedAt: number, minimumRtt: number, now: number): void {
    this.#detectReordering(segment);
    const rtt = now - segment.sentAt;
    if (segment.isRetransmitted) {
      // The ACK may be for the original transmission instead of the retransmission.
      if (echoedAt >= 0 && echoedAt < Math.floor(segment.sentAt)) return;
      if (rtt < minimumRtt) return;
    }
    this.#rtt = rtt;
    if (this.#sentAt >= 0 && segment.isSentBefore(this.#sentAt, this.#end)) return;
    this.#sentAt = segment.sentAt;
    this.#end = segment.end;
  }

  #detectReordering(segment: SentSegment): void {
    if (sequenceBefore(this.#fack, segment.end)) this.#fack = segment.end;
    else if (segment.end !== this.#fack && !segment.isRetransmitted) this.#isReordering = true;
  }

  /**
   * Widens the reordering window after a DSACK reported a spurious retransmission (RFC 8985 6.2,
   * step 4).
   */
  duplicateReported(sndUna: number, sndNxt: number): void {
    if (this.#widenedUntil !== undefined && sequenceBefore(sndUna, this.#widenedUntil)) return;
    this.#widenedUntil = sndNxt;
    this.#multiplier++;
    this.#recoveriesLeft = RECOVERIES_UNTIL_RESET;
  }

  recoveryEnded(): void {
    if (--this.#recoveriesLeft > 0) return;
    this.#recoveriesLeft = RECOVERIES_UNTIL_RESET;
    this.#multiplier = 1;
  }

  /** RACK_update_reo_wnd(): the current reordering window in ms. */
  #reorderingWindow(segments: SentSegments, context: RackContext): number {
    if (!this.#isReordering) {
      const isSure = context.isRecovering || segments.sackedCount >= DUPLICATE_THRESHOLD;
      if (isSure) return 0;
    }
    return Math.min((this.#multiplier * context.minimumRtt) / 4, context.srtt);
  }

  /**
   * Marks lost segments (RFC 8985 6.2, step 5).
   *
   * @returns when to run detection again, in case the other segments were only reordered; Infinity
   * if no segment needs it
   */
  detectLosses(
    segments: SentSegments,
    context: RackContext,
    lose: (segment: SentSegment) => void,
  ): number {
    if (this.#sentAt < 0) return Infinity;
    const patience = this.#rtt + this.#reorderingWindow(segments, context);
    let lookAgainAt = -Infinity;
    let segment = segments.oldest;
    while (segment?.isSentBefore(this.#sentAt, this.#end)) {
      const { later } = segment;
      const lateAt = segment.sentAt + patience;
      if (lateAt - context.now < RESOLUTION) lose(segment);
      else lookAgainAt = Math.max(lookAgainAt, lateAt);
      segment = later;
    }
    return lookAgainAt === -Infinity ? Infinity : lookAgainAt;
  }

  /**
   * Marks the first segment and all overdue segments as lost after the retransmission timer expired
   * (RFC 8985 6.3).
   */
  markLossesOnTimeout(
    segments: SentSegments,
    context: RackContext,
    lose: (segment: SentSegment) => void,
  ): void {
    const patience = this.#rtt + this.#reorderingWindow(segments, context);
    const { head } = segments;
    let segment = segments.oldest;
    while (segment !== undefined) {
      const { later } = segment;
      if (segment === head || segment.sentAt + patience - context.now < RESOLUTION) lose(segment);
      segment = later;
    }
  }
}
