/**
 * The sending half of a connection: SND.* of RFC 9293 3.3.1, the send ring, and the sent segments.
 * NextSegment chooses what to send, Acknowledgments processes ACKs, LossRecovery detects losses,
 * and CongestionControl limits the octets in flight.
 */
import type { MemoryBudget } from '../../../lib/memory-budget.js';
import { RingBuffer } from '../../../lib/ring-buffer.js';
import {
  sequenceAdd,
  sequenceBefore,
  sequenceDistance,
  sequenceMax,
} from '../../../lib/sequence-number.js';
import { type AcknowledgmentSubject, Acknowledgments } from './acknowledgments.js';
import type { CongestionControl } from '../congestion/congestion-control.js';
import { DeliveryRate } from './delivery-rate.js';
import { LossRecovery } from './loss-recovery.js';
import { NextSegment, type SegmentSource } from './next-segment.js';
import { Pacer } from './pacer.js';
import { MinimumRtt, RoundTrips } from './round-trips.js';
import { type SentSegment, SentSegments } from './sent-segments.js';
import { UnreadEvidence } from './unread-evidence.js';

/** The minimum send buffer in octets, unless the configured maximum is smaller. */
const SMALLEST_BUFFER = 64 * 1024;

export interface SenderOptions {
  readonly iss: number;
  /** The maximum number of octets that the user may queue. */
  readonly maximum: number;
  readonly mss: number;
  readonly budget: MemoryBudget;
  readonly congestion: CongestionControl;
}

export class Sender implements AcknowledgmentSubject, SegmentSource {
  readonly ring: RingBuffer;
  readonly roundTrips = new RoundTrips();
  readonly congestion: CongestionControl;
  readonly segments = new SentSegments();
  readonly rate = new DeliveryRate();
  readonly minimumRtt = new MinimumRtt();
  readonly recovery: LossRecovery;
  readonly acknowledgments: Acknowledgments;
  readonly next: NextSegment;
  readonly unread = new UnreadEvidence(this);
  readonly iss: number;
  sndUna: number;
  sndNxt: number;
  /**
   * The sequence number of the next new octet: SND.NXT, or lower after a window probe, whose octet
   * does not count as sent.
   */
  sndNew: number;
  /** SND.WND after window scaling, in octets. */
  sndWnd = 0;
  sndWl1 = 0;
  sndWl2 = 0;
  /**
   * The largest window seen: Max(SND.WND) of RFC 9293 3.8.6.2.1 and MAX.SND.WND of RFC 5961 5.2.
   */
  maxSndWnd = 0;
  /** Snd.Wind.Shift of RFC 7323 2.3: the scaling of the peer's window field. */
  shift = 0;
  /** Eff.snd.MSS of RFC 9293 3.7.1: the number of data octets in a full segment. */
  mss: number;
  usesSack = false;
  /** Whether Nagle's algorithm (RFC 9293 3.7.4) is off. */
  noDelay = true;
  /** Whether the user has closed the connection: a FIN follows the last octet of the ring. */
  finQueued = false;
  /** Whether the SYN must be sent or retransmitted. */
  synDue = true;
  retransmits = 0;

  readonly pacer = new Pacer();
  /** The sequence number of the first octet in the ring. */
  #ringSequence: number;
  #lastSentAt = -Infinity;

  constructor({ iss, maximum, mss, budget, congestion }: SenderOptions) {
    this.ring = new RingBuffer(maximum, budget);
    this.congestion = congestion;
    this.mss = mss;
    this.iss = iss;
    this.sndUna = iss;
    this.sndNxt = iss;
    this.sndNew = sequenceAdd(iss, 1);
    this.#ringSequence = this.sndNew;
    this.recovery = new LossRecovery(this, iss);
    this.acknowledgments = new Acknowledgments(this);
    this.next = new NextSegment(this);
  }

  get rto(): number {
    return this.roundTrips.rto;
  }

  get srtt(): number {
    return this.roundTrips.srtt;
  }

  get delivered(): number {
    return this.rate.delivered;
  }

  get lost(): number {
    return this.rate.lost;
  }

  get isAppLimited(): boolean {
    return this.rate.isAppLimited;
  }

  get isRecovering(): boolean {
    return this.recovery.isRecovering;
  }

  /** The sequence number after the last octet that the user queued. */
  get dataEnd(): number {
    return sequenceAdd(this.#ringSequence, this.ring.length);
  }

  get flightSize(): number {
    return Math.max(0, sequenceDistance(this.sndUna, this.sndNew));
  }

  get inflight(): number {
    return Math.max(0, this.segments.inflight - this.recovery.arrivedUnseen);
  }

  /** Whether unacknowledged segments are outstanding, not counting window probes. */
  get hasOutstanding(): boolean {
    return this.segments.size > 0 || this.sndUna === this.iss;
  }

  /** Whether the peer has acknowledged the local FIN, and therefore all data. */
  get finAcknowledged(): boolean {
    return this.finQueued && sequenceBefore(this.dataEnd, this.sndUna);
  }

  /** Whether new data or a FIN is waiting to be sent. */
  get hasUnsent(): boolean {
    return sequenceBefore(this.sndNew, sequenceAdd(this.dataEnd, this.finQueued ? 1 : 0));
  }

  /** Whether anything is waiting to be sent, including retransmissions. */
  get hasWork(): boolean {
    return this.recovery.isHeadDue || this.segments.lostCount > 0 || this.hasUnsent;
  }

  /** The send buffer's current limit in octets: two congestion windows, up to the maximum. */
  get bufferLimit(): number {
    const wanted = Math.max(SMALLEST_BUFFER, 2 * this.congestion.cwnd);
    return Math.min(this.ring.maximum, Math.ceil(wanted));
  }

  /** The ring offset of the octet with this sequence number. */
  ringOffset(sequence: number): number {
    return sequenceDistance(this.#ringSequence, sequence);
  }

  /** Queues data and returns the number of octets accepted. */
  queue(bytes: Uint8Array): number {
    if (this.ring.length === 0) this.unread.queueBegins(this.dataEnd);
    return this.ring.write(bytes);
  }

  setMss(mss: number): void {
    this.mss = mss;
    this.ring.expectCopiesOf(mss);
    this.congestion.setMss(mss);
  }

  /** Updates the send window from an acceptable ACK (RFC 9293 3.10.7.4, fifth step). */
  updateWindow(window: number, segSeq: number, segAck: number): void {
    this.sndWnd = window;
    this.sndWl1 = segSeq;
    this.sndWl2 = segAck;
    if (window > this.maxSndWnd) this.maxSndWnd = window;
  }

  /** Records that the segment in `next` was sent. */
  sent(now: number): void {
    const { segments, congestion, inflight, next } = this;
    const { start, end } = next;
    let { segment } = next;
    if (segment === undefined) {
      segment = segments.add(start, end);
      this.sndNew = end;
      this.sndNxt = sequenceMax(this.sndNxt, end);
    } else {
      if (segment.end !== end) segments.split(segment, end);
      this.#sentAgain(segment, now);
    }
    this.rate.sending(segment, inflight, now);
    segments.sent(segment);
    this.pacer.sent(segment.length, congestion.pacingRate, congestion.sendQuantum, now);
    this.#lastSentAt = now;
  }

  #sentAgain(segment: SentSegment, now: number): void {
    segment.isRetransmitted = true;
    this.retransmits++;
    this.recovery.retransmitted(now);
    if (segment === this.segments.head) this.recovery.isHeadDue = false;
  }

  /**
   * Records a zero-window probe. The probe does not count as sent, so sending resumes with the same
   * octet.
   */
  windowProbeSent(): void {
    this.sndNxt = sequenceMax(this.sndNxt, this.next.end);
    this.unread.windowProbeSent();
  }

  synSent(now: number): void {
    this.synDue = false;
    if (this.sndNxt !== this.iss) this.retransmits++;
    this.sndNxt = sequenceAdd(this.iss, 1);
    this.roundTrips.synSent(now);
  }

  /** Records that the SYN-ACK was sent as a SYN cookie, whose send time is unknown. */
  synSentAsCookie(): void {
    this.synDue = false;
    this.sndNxt = sequenceAdd(this.iss, 1);
  }

  /**
   * Restarts congestion control before sending on a connection that was idle for an RTO (RFC 5681
   * 4.1).
   */
  noteIdle(now: number): void {
    if (this.segments.size > 0) return;
    const idle = now - this.#lastSentAt;
    this.congestion.restart(this, idle === Infinity ? 0 : idle, this.rto, now);
  }

  /**
   * Marks the flow as application-limited if nothing is left to send although the window is open.
   */
  noteUserLimit(): void {
    if (this.hasUnsent || this.segments.lostCount > 0) return;
    const { inflight } = this;
    if (inflight < this.congestion.cwnd) this.rate.limitedByUser(inflight);
  }

  /**
   * Processes the handshake's ACK, which covers only the SYN and leaves the congestion window
   * unchanged.
   */
  acknowledgeSyn(echoRtt: number, now: number): void {
    this.sndUna = sequenceAdd(this.iss, 1);
    const rtt = this.roundTrips.synAcknowledged(echoRtt, this.retransmits > 0, now);
    if (rtt >= 0) this.minimumRtt.sample(rtt, now);
  }

  /** Moves SND.UNA to `segAck` and discards the acknowledged octets from the ring. */
  advance(segAck: number): void {
    const data = Math.min(Math.max(0, this.ringOffset(segAck)), this.ring.length);
    this.ring.discard(data);
    this.#ringSequence = sequenceAdd(this.#ringSequence, data);
    this.sndUna = segAck;
    // If the peer accepted the octet in a window probe, `segAck` is beyond `sndNew`.
    this.sndNew = sequenceMax(this.sndNew, segAck);
  }

  /** Handles the expiry of the retransmission timer (RFC 6298 5.4 to 5.6). */
  timedOut(now: number): void {
    const isFirst = this.roundTrips.backoff === 0;
    this.roundTrips.timedOut(now);
    this.recovery.timedOut(isFirst, now);
  }

  /** Handles the expiry of the reordering timer (RFC 8985 6.2, step 5). */
  reorderingTimedOut(now: number): void {
    const { sample } = this.rate;
    this.rate.beginAck(this.inflight);
    this.recovery.lookAgain(now);
    if (sample.newlyLost > 0) this.congestion.acknowledged(sample, this, now);
  }

  /** Resends all outstanding data in segments that fit a reduced path MTU (RFC 1191 6.4). */
  sendAgain(): void {
    this.recovery.sendAgain();
  }

  release(): void {
    if (this.ring.length > 0) this.unread.ended(this.sndNxt);
    this.ring.release();
    this.segments.clear();
  }
}
