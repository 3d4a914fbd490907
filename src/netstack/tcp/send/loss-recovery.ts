/**
 * Detects lost segments and decides when to retransmit them: RACK-TLP (RFC 8985) if the peer sends
 * SACKs, otherwise duplicate and partial ACKs (RFC 6582), with the retransmission timer (RFC 6298)
 * as the last resort. Undoes spurious recoveries (RFC 4015, RFC 2883).
 */
import { sequenceAdd, sequenceAtOrBefore, sequenceBefore } from '../../../lib/sequence-number.js';
import type { CongestionControl, DeliveryState } from '../congestion/congestion-control.js';
import type { DeliveryRate } from './delivery-rate.js';
import type { MinimumRtt } from './round-trips.js';
import { DUPLICATE_THRESHOLD, Rack, type RackContext } from './rack.js';
import type { SentSegment, SentSegments } from './sent-segments.js';
import { TailLossProbe } from './tail-loss-probe.js';

/** The part of the sender that loss recovery uses. */
export interface RecoverySubject extends DeliveryState {
  readonly sndUna: number;
  readonly sndNxt: number;
  /** Whether both SYNs carried SACK-permitted. */
  readonly usesSack: boolean;
  readonly segments: SentSegments;
  readonly rate: DeliveryRate;
  readonly congestion: CongestionControl;
  readonly minimumRtt: MinimumRtt;
}

/** What an ACK reports, except its acknowledgment number. One object is reused for all ACKs. */
export interface AckReport {
  /** The number of octets by which SND.UNA moved. */
  acknowledged: number;
  /** Whether this is a duplicate ACK as defined in RFC 5681 2. */
  isDuplicate: boolean;
  /** Send time of the segment whose timestamp this ACK echoes; -1 without timestamps. */
  echoedAt: number;
  /** The start of the DSACK range. Start and end are both 0 without a DSACK. */
  dsackStart: number;
  dsackEnd: number;
}

type Phase = 'open' | 'fast-recovery' | 'after-timeout';

export class LossRecovery implements RackContext {
  readonly #sender: RecoverySubject;
  readonly #rack: Rack;
  readonly probe = new TailLossProbe();
  /** When the reordering timer expires, so that loss detection runs again; Infinity if not set. */
  reorderAt = Infinity;
  /** Whether the first segment must be retransmitted regardless of the window. */
  isHeadDue = false;
  now = 0;
  #phase: Phase = 'open';
  /** RecoveryPoint of RFC 6675: SND.NXT when this recovery began. */
  #recoveryPoint: number;
  #duplicateAcks = 0;
  /** RecoverFS of RFC 9937, the number of segments outstanding when this recovery began. */
  #outAtBeginning = Infinity;
  /** RetransmitTS of RFC 3522: when this recovery sent its first retransmission; -1 before that. */
  #firstRetransmissionAt = -1;
  /** Whether the timestamp check for spurious retransmission was done in this recovery. */
  #isDecided = false;
  /**
   * Retransmissions in this recovery not yet reported by a DSACK; -1 before the first recovery and
   * after an undo.
   */
  #unreported = -1;
  /** C.lost before this recovery began. */
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

  /**
   * Octets that have arrived at a peer without SACK, inferred from duplicate ACKs (RFC 9937 6.2).
   */
  get arrivedUnseen(): number {
    return this.#sender.usesSack ? 0 : this.#duplicateAcks * this.#sender.mss;
  }

  retransmitted(now: number): void {
    if (this.#firstRetransmissionAt < 0) this.#firstRetransmissionAt = now;
    if (this.#unreported >= 0) this.#unreported++;
  }

  segmentDelivered(segment: SentSegment, echoedAt: number, now: number): void {
    if (!segment.isRetransmitted) this.probe.measured();
    this.#rack.segmentDelivered(segment, echoedAt, this.minimumRtt, now);
  }

  /** Processes an ACK after all segments that it delivered were passed to segmentDelivered(). */
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
    // RFC 8985 7.4.2: the probe repaired a loss, to which congestion control must react.
    this.#sender.congestion.enterRecovery(this.#sender, this.now);
    this.#sender.congestion.exitRecovery(this.#sender, this.now);
  }

  /**
   * Detects a spurious recovery from the echoed timestamp (RFC 3522 3.2) or from DSACKs (RFC 3708).
   */
  #isSpurious({ acknowledged, echoedAt }: AckReport): boolean {
    // Before the first retransmission, the recovery is spurious if no segment is still marked lost.
    if (this.#firstRetransmissionAt < 0) return this.#sender.segments.lostCount === 0;
    if (this.#unreported === 0) return true;
    if (acknowledged === 0 || this.#isDecided) return false;
    // Only the first ACK that moves SND.UNA shows whether the retransmission was spurious.
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
    // Segments that were already retransmitted were not lost either.
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

  /** Runs loss detection again after the reordering timer expired. */
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
        // Keep the recovery point just below SND.UNA so that the comparison stays correct after
        // sequence numbers wrap.
        if (this.#isBeyondRepair) this.#recoveryPoint = sequenceAdd(this.#sender.sndUna, -1);
        return;
      }
      // RFC 6582 3.2, step 3: a partial ACK reveals the next hole.
      this.#duplicateAcks = Math.max(0, this.#duplicateAcks - Math.ceil(acknowledged / mss));
      if (this.#phase === 'fast-recovery') this.#loseHead();
    } else if (isDuplicate && segments.size > 0) {
      // RFC 9937 6.2: count at most as many segments as are outstanding now or, if lower, were
      // outstanding when recovery began. Some duplicate ACKs may be forged or caused by packets
      // that the network duplicated.
      const limit = Math.min(segments.size, this.#outAtBeginning);
      if (this.#duplicateAcks < limit) this.#duplicateAcks++;
      if (this.isRecovering || this.#duplicateAcks < DUPLICATE_THRESHOLD) return;
      // RFC 6582 3.2, step 2: these duplicate ACKs may result from unnecessary retransmissions in
      // the last recovery.
      if (!this.#isBeyondRepair) return;
      this.#loseHead();
      this.#begin('fast-recovery');
    }
  }

  /** Whether SND.UNA has passed the recovery point of the last recovery. */
  get #isBeyondRepair(): boolean {
    return sequenceBefore(this.#recoveryPoint, this.#sender.sndUna);
  }

  #loseHead(): void {
    const { head } = this.#sender.segments;
    if (head === undefined) return;
    // The head is already marked lost if an ACK covered part of it before the retransmission.
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
    // A timeout during recovery does not start a new recovery: earlier retransmissions still count.
    if (!wasRecovering) {
      this.#firstRetransmissionAt = -1;
      this.#isDecided = false;
      this.#unreported = 0;
    }
    this.probe.end();
    if (phase === 'fast-recovery') sender.congestion.enterRecovery(sender, this.now);
  }

  /** Starts recovery after the retransmission timer expired (RFC 8985 6.3, RFC 5681 3.1). */
  timedOut(isFirst: boolean, now: number): void {
    this.now = now;
    const sender = this.#sender;
    const { segments } = sender;
    sender.congestion.timedOut(sender, isFirst, now);
    this.#duplicateAcks = 0;
    this.reorderAt = Infinity;
    // RFC 2018 8: a SACKed segment at SND.UNA means that the receiver discarded its data.
    if (segments.head?.isSacked) segments.forgetSacks();
    if (sender.usesSack) {
      this.#rack.markLossesOnTimeout(segments, this, this.#lose);
    } else {
      while (segments.oldest !== undefined) this.lose(segments.oldest);
    }
    this.#begin('after-timeout');
    this.isHeadDue = segments.size > 0;
  }

  /**
   * Marks all segments for retransmission because they exceed the path MTU (RFC 1191 6.4). This
   * does not signal congestion.
   */
  sendAgain(): void {
    const { segments } = this.#sender;
    while (segments.oldest !== undefined) segments.lose(segments.oldest, false);
    this.#duplicateAcks = 0;
  }

  /** Whether a tail loss probe may be scheduled (RFC 8985 7.2). */
  get mayProbe(): boolean {
    const { usesSack, segments } = this.#sender;
    if (!usesSack || this.isRecovering || this.probe.isOut) return false;
    // RFC 8985 7.3: repeated probes could otherwise prevent RTT measurement forever.
    if (this.probe.isUnmeasured || this.minimumRtt === Infinity) return false;
    return segments.size > 0 && segments.sackedCount === 0;
  }
}
