/**
 * Finds what was lost and says when to send it again: RACK-TLP (RFC 8985) where the peer sends
 * SACKs, duplicate ACKs and partial ACKs (RFC 6582) where it does not, the timer (RFC 6298) behind
 * both; and takes back what was done for nothing (RFC 4015, RFC 2883).
 */
import { sequenceAdd, sequenceAtOrBefore, sequenceBefore } from '../../../lib/sequence-number.js';
import type { CongestionControl, DeliveryState } from '../congestion/congestion-control.js';
import type { DeliveryRate } from './delivery-rate.js';
import type { MinimumRtt } from './minimum-rtt.js';
import { DUPLICATE_THRESHOLD, Rack, type RackContext } from './rack.js';
import type { SentSegment, SentSegments } from './sent-segments.js';
import { TailLossProbe } from './tail-loss-probe.js';

/** What recovery has to know of the sender. */
export interface RecoverySubject extends DeliveryState {
  readonly sndUna: number;
  readonly sndNxt: number;
  /** Both SYNs had SACK-permitted. */
  readonly usesSack: boolean;
  readonly segments: SentSegments;
  readonly rate: DeliveryRate;
  readonly congestion: CongestionControl;
  readonly minimumRtt: MinimumRtt;
}

/** What an ACK said, beside its number. One object serves all ACKs of a connection in turn. */
export interface AckReport {
  /** SND.UNA moved by so many octets. */
  acknowledged: number;
  /** A duplicate ACK as RFC 5681 2 defines it. */
  isDuplicate: boolean;
  /** When the segment left that it echoes, by its timestamp; -1 without one. */
  echoedAt: number;
  /** A DSACK's range; both 0 without one. */
  dsackStart: number;
  dsackEnd: number;
}

type Phase = 'open' | 'fast-recovery' | 'after-timeout';

export class LossRecovery implements RackContext {
  readonly #sender: RecoverySubject;
  readonly #rack: Rack;
  readonly probe = new TailLossProbe();
  /** When what may be merely late has to be looked at again. */
  reorderAt = Infinity;
  /** The first segment is to be sent again, whatever the window. */
  isHeadDue = false;
  now = 0;
  #phase: Phase = 'open';
  /** RecoveryPoint of RFC 6675: behind all that was out when the repair began. */
  #recoveryPoint: number;
  #duplicateAcks = 0;
  /** RecoverFS of RFC 9937, in segments: what was out when the repair began. */
  #outAtBeginning = Infinity;
  /** When the first segment was sent again in this repair: RFC 3522's RetransmitTS. */
  #firstRetransmissionAt = -1;
  /** The echoed timestamps of this repair have told what they can. */
  #isDecided = false;
  /** Retransmissions of this repair that no DSACK has reported; -1 when some were surely needed. */
  #unreported = -1;
  /** C.lost before this repair. */
  #lostBefore = 0;
  readonly #lose = (segment: SentSegment): void => this.lose(segment);

  constructor(sender: RecoverySubject, iss: number) {
    this.#sender = sender;
    this.#rack = new Rack(iss);
    this.#recoveryPoint = iss;
  }

  get isRecovering(): boolean {
    return this.#phase !== 'open';
  }

  get isReordering(): boolean {
    return this.#rack.isReordering;
  }

  get srtt(): number {
    return this.#sender.srtt;
  }

  get minimumRtt(): number {
    return this.#sender.minimumRtt.value;
  }

  /** Octets that duplicate ACKs of a peer without SACK show to have arrived: RFC 9937 6.2. */
  get arrivedUnseen(): number {
    return this.#sender.usesSack ? 0 : this.#duplicateAcks * this.#sender.mss;
  }

  /** A segment leaves once more. */
  retransmitted(now: number): void {
    if (this.#firstRetransmissionAt < 0) this.#firstRetransmissionAt = now;
    if (this.#unreported >= 0) this.#unreported++;
  }

  /** A segment is known to have arrived. */
  segmentDelivered(segment: SentSegment, echoedAt: number, now: number): void {
    if (!segment.isRetransmitted) this.probe.measured();
    this.#rack.segmentDelivered(segment, echoedAt, this.minimumRtt, now);
  }

  /** All segments that an ACK delivered were told. */
  acknowledged(report: AckReport, now: number): void {
    this.now = now;
    const { sndUna } = this.#sender;
    if (report.acknowledged > 0) {
      this.isHeadDue = false;
      if (report.echoedAt >= 0) this.probe.measured();
    }
    this.#takeDsack(report);
    this.#takeProbe(report);
    if (this.isRecovering && this.#isSpurious(report)) this.#undo();
    if (this.isRecovering && sequenceAtOrBefore(this.#recoveryPoint, sndUna)) this.#end();
    if (this.#sender.usesSack) this.#detect();
    else this.#countDuplicates(report);
  }

  #takeDsack({ dsackStart, dsackEnd }: AckReport): void {
    if (dsackStart === dsackEnd) return;
    this.#rack.duplicateReported(this.#sender.sndUna, this.#sender.sndNxt);
    if (this.#unreported > 0) this.#unreported--;
  }

  #takeProbe(report: AckReport): void {
    if (!this.probe.isOut) return;
    const { segments, sndUna } = this.#sender;
    const dsackEnd = report.dsackStart === report.dsackEnd ? undefined : report.dsackEnd;
    const hasBlocks = dsackEnd !== undefined || segments.sackedCount > 0;
    const isPureDuplicate = report.isDuplicate && !hasBlocks;
    const repaired = this.probe.acknowledged(sndUna, dsackEnd, isPureDuplicate);
    if (!repaired || this.isRecovering) return;
    // RFC 8985 7.4.2: a loss all the same; the window hears of it.
    this.#sender.congestion.enterRecovery(this.#sender, this.now);
    this.#sender.congestion.exitRecovery(this.#sender, this.now);
  }

  /** RFC 3522 3.2 by the echoed timestamp, RFC 3708 by DSACKs. */
  #isSpurious({ acknowledged, echoedAt }: AckReport): boolean {
    // What was taken for lost has come by itself, before the pacer or the window let it leave again.
    if (this.#firstRetransmissionAt < 0) return this.#sender.segments.lostCount === 0;
    if (this.#unreported === 0) return true;
    if (acknowledged === 0 || this.#isDecided) return false;
    // Only the first ACK that moves SND.UNA can tell.
    this.#isDecided = true;
    return echoedAt >= 0 && echoedAt < Math.floor(this.#firstRetransmissionAt);
  }

  #undo(): void {
    const sender = this.#sender;
    this.#phase = 'open';
    this.#outAtBeginning = Infinity;
    this.#unreported = -1;
    this.isHeadDue = false;
    sender.segments.takeBackLosses(this.#firstRetransmissionAt);
    // What was sent again, and what of it is acknowledged, was not lost either.
    sender.rate.lost = this.#lostBefore;
    sender.congestion.undo(sender, this.now);
  }

  #end(): void {
    const sender = this.#sender;
    this.#phase = 'open';
    this.#duplicateAcks = 0;
    this.#lostBefore = sender.rate.lost;
    this.#outAtBeginning = Infinity;
    this.#rack.recoveryEnded();
    sender.congestion.exitRecovery(sender, this.now);
  }

  #detect(): void {
    const { segments } = this.#sender;
    const before = segments.lostCount;
    this.reorderAt = this.#rack.detectLosses(segments, this, this.#lose);
    if (segments.lostCount > before) this.#begin('fast-recovery');
  }

  /** The reordering timer expired. */
  lookAgain(now: number): void {
    this.now = now;
    this.reorderAt = Infinity;
    this.#detect();
  }

  #countDuplicates({ acknowledged, isDuplicate }: AckReport): void {
    const { segments, mss } = this.#sender;
    if (acknowledged > 0) {
      if (!this.isRecovering) {
        this.#duplicateAcks = 0;
        // Kept near, so that it stays behind us when numbers wrap.
        if (this.#isBeyondRepair) this.#recoveryPoint = sequenceAdd(this.#sender.sndUna, -1);
        return;
      }
      // RFC 6582 3.2, step 3: a partial ACK shows the next hole.
      this.#duplicateAcks = Math.max(0, this.#duplicateAcks - Math.ceil(acknowledged / mss));
      if (this.#phase === 'fast-recovery') this.#loseHead();
    } else if (isDuplicate && segments.size > 0) {
      // No more than there are, and in a repair than there were (RFC 9937 6.2): each ACK may be
      // forged, or answer a duplicate in the network.
      const limit = Math.min(segments.size, this.#outAtBeginning);
      if (this.#duplicateAcks < limit) this.#duplicateAcks++;
      if (this.isRecovering || this.#duplicateAcks < DUPLICATE_THRESHOLD) return;
      // RFC 6582 3.2, step 2: they may answer what the last repair sent for nothing.
      if (!this.#isBeyondRepair) return;
      this.#loseHead();
      this.#begin('fast-recovery');
    }
  }

  /** Something is acknowledged that left after the last repair. */
  get #isBeyondRepair(): boolean {
    return sequenceBefore(this.#recoveryPoint, this.#sender.sndUna);
  }

  #loseHead(): void {
    const { head } = this.#sender.segments;
    if (head === undefined) return;
    // It is lost already where an ACK took a part of it before it left again.
    if (!head.isLost) this.lose(head);
    this.isHeadDue = true;
  }

  lose(segment: SentSegment): void {
    const { rate, segments, congestion } = this.#sender;
    segments.lose(segment);
    rate.lost += segment.length;
    rate.sample.newlyLost += segment.length;
    congestion.lost(segment, this.#sender, this.now);
  }

  #begin(phase: 'fast-recovery' | 'after-timeout'): void {
    if (this.isRecovering && phase === 'fast-recovery') return;
    const sender = this.#sender;
    const wasRecovering = this.isRecovering;
    this.#phase = phase;
    this.#recoveryPoint = sender.sndNxt;
    this.#outAtBeginning = sender.segments.size;
    // Where one repair follows on another, some of its retransmissions were surely needed.
    if (!wasRecovering) {
      this.#firstRetransmissionAt = -1;
      this.#isDecided = false;
      this.#unreported = 0;
    }
    this.probe.end();
    if (phase === 'fast-recovery') sender.congestion.enterRecovery(sender, this.now);
  }

  /** The retransmission timer expired: RFC 8985 6.3, RFC 5681 3.1. */
  timedOut(isFirst: boolean, now: number): void {
    this.now = now;
    const sender = this.#sender;
    const { segments } = sender;
    sender.congestion.timedOut(sender, isFirst, now);
    this.#duplicateAcks = 0;
    this.reorderAt = Infinity;
    // RFC 2018 8: what is at SND.UNA cannot have arrived.
    if (segments.head?.isSacked) segments.forgetSacks();
    if (sender.usesSack) {
      this.#rack.markLossesOnTimeout(segments, this, this.#lose);
    } else {
      while (segments.oldest !== undefined) this.lose(segments.oldest);
    }
    this.#begin('after-timeout');
    this.isHeadDue = segments.size > 0;
  }

  /** What was sent is too large for the path (RFC 1191 6.4): all goes out again, and nothing is to blame. */
  sendAgain(): void {
    const { segments } = this.#sender;
    while (segments.oldest !== undefined) segments.lose(segments.oldest, false);
    this.#duplicateAcks = 0;
  }

  /** Whether a tail loss probe may be scheduled: RFC 8985 7.2. */
  get mayProbe(): boolean {
    const { usesSack, segments } = this.#sender;
    if (!usesSack || this.isRecovering || this.probe.isOut) return false;
    // RFC 8985 7.3: else a probe could keep the round trip from being measured for ever.
    if (this.probe.isUnmeasured || this.minimumRtt === Infinity) return false;
    return segments.size > 0 && segments.sackedCount === 0;
  }
}
