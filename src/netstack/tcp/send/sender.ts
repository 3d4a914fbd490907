/**
 * The sending half of a connection: SND.* of RFC 9293 3.3.1, the send ring, and what has left.
 * Which octets go out next is NextSegment's matter, what ACKs say of them that of Acknowledgments,
 * what is lost LossRecovery's, how much may be in flight CongestionControl's.
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
import { MinimumRtt } from './minimum-rtt.js';
import { NextSegment, type SegmentSource } from './next-segment.js';
import { Pacer } from './pacer.js';
import { RoundTrips } from './round-trips.js';
import { type SentSegment, SentSegments } from './sent-segments.js';

/** The send buffer is at least this large, or all of its maximum. */
const SMALLEST_BUFFER = 64 * 1024;

export interface SenderOptions {
  readonly iss: number;
  /** The most octets that the user may queue. */
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
  readonly iss: number;
  sndUna: number;
  sndNxt: number;
  /** Where new data goes on: SND.NXT, or before it behind a window probe that counts for nothing. */
  sndNew: number;
  /** Scaled, in bytes. */
  sndWnd = 0;
  sndWl1 = 0;
  sndWl2 = 0;
  /** Max(SND.WND) of RFC 9293 3.8.6.2.1 and MAX.SND.WND of RFC 5961 5.2. */
  maxSndWnd = 0;
  /** Snd.Wind.Shift of RFC 7323 2.3. */
  shift = 0;
  /** Eff.snd.MSS of RFC 9293 3.7.1: payload bytes of a full segment. */
  mss: number;
  usesSack = false;
  /** Without Nagle's algorithm (RFC 9293 3.7.4). */
  noDelay = true;
  /** The user has closed; a FIN follows the last byte of the ring. */
  finQueued = false;
  /** The SYN is to be sent (again). */
  synDue = true;
  /** Segments sent more than once. */
  retransmits = 0;

  readonly pacer = new Pacer();
  /** The sequence number of the first byte in the ring. */
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

  /** The sequence number behind the last byte that the user gave. */
  get dataEnd(): number {
    return sequenceAdd(this.#ringSequence, this.ring.length);
  }

  get flightSize(): number {
    return Math.max(0, sequenceDistance(this.sndUna, this.sndNew));
  }

  get inflight(): number {
    return Math.max(0, this.segments.inflight - this.recovery.arrivedUnseen);
  }

  /** Whether something was sent that is not acknowledged, a window probe left aside. */
  get hasOutstanding(): boolean {
    return this.segments.size > 0 || this.sndUna === this.iss;
  }

  /** Whether our FIN, and so all before it, is acknowledged. */
  get finAcknowledged(): boolean {
    return this.finQueued && sequenceBefore(this.dataEnd, this.sndUna);
  }

  /** Whether there is new data, or a FIN, to be sent. */
  get hasUnsent(): boolean {
    return sequenceBefore(this.sndNew, sequenceAdd(this.dataEnd, this.finQueued ? 1 : 0));
  }

  /** Whether there is anything to be sent, new or again. */
  get hasWork(): boolean {
    return this.recovery.isHeadDue || this.segments.lostCount > 0 || this.hasUnsent;
  }

  /** Octets that the user may have queued: enough for two windows, not the whole maximum at once. */
  get bufferLimit(): number {
    const wanted = Math.max(SMALLEST_BUFFER, 2 * this.congestion.cwnd);
    return Math.min(this.ring.maximum, Math.ceil(wanted));
  }

  /** Where in the ring the octet `sequence` lies. */
  ringOffset(sequence: number): number {
    return sequenceDistance(this.#ringSequence, sequence);
  }

  setMss(mss: number): void {
    this.mss = mss;
    this.congestion.setMss(mss);
  }

  /** Takes a window from an acceptable ACK: RFC 9293 3.10.7.4, fifth step. */
  updateWindow(window: number, segSeq: number, segAck: number): void {
    this.sndWnd = window;
    this.sndWl1 = segSeq;
    this.sndWl2 = segAck;
    if (window > this.maxSndWnd) this.maxSndWnd = window;
  }

  /** `next` has left. */
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

  /** A probe of a shut window has left: it counts for nothing, so that sending goes on with it. */
  windowProbeSent(): void {
    this.sndNxt = sequenceMax(this.sndNxt, this.next.end);
  }

  synSent(now: number): void {
    this.synDue = false;
    if (this.sndNxt !== this.iss) this.retransmits++;
    this.sndNxt = sequenceAdd(this.iss, 1);
    this.roundTrips.synSent(now);
  }

  /** The SYN left as a cookie, and nothing was kept of when. */
  synSentAsCookie(): void {
    this.synDue = false;
    this.sndNxt = sequenceAdd(this.iss, 1);
  }

  /** Before data goes out: a connection that was idle for an RTO begins anew (RFC 5681 4.1). */
  noteIdle(now: number): void {
    if (this.segments.size > 0) return;
    const idle = now - this.#lastSentAt;
    this.congestion.restart(this, idle === Infinity ? 0 : idle, this.rto, now);
  }

  /** Nothing is left to send, though the window would take more. */
  noteUserLimit(): void {
    if (this.hasUnsent || this.segments.lostCount > 0) return;
    const { inflight } = this;
    if (inflight < this.congestion.cwnd) this.rate.limitedByUser(inflight);
  }

  /** The handshake's ACK: only the SYN is covered, which is no matter of the window. */
  acknowledgeSyn(echoRtt: number, now: number): void {
    this.sndUna = sequenceAdd(this.iss, 1);
    const rtt = this.roundTrips.synAcknowledged(echoRtt, this.retransmits > 0, now);
    if (rtt >= 0) this.minimumRtt.sample(rtt, now);
  }

  /** SND.UNA moves to `segAck`, and what the ring has before it goes. */
  advance(segAck: number): void {
    const data = Math.min(Math.max(0, this.ringOffset(segAck)), this.ring.length);
    this.ring.discard(data);
    this.#ringSequence = sequenceAdd(this.#ringSequence, data);
    this.sndUna = segAck;
    // A window probe may be ahead of what was sent in earnest.
    this.sndNew = sequenceMax(this.sndNew, segAck);
  }

  /** The retransmission timer expired: RFC 6298 5.4 to 5.6. */
  timedOut(now: number): void {
    const isFirst = this.roundTrips.backoff === 0;
    this.roundTrips.timedOut(now);
    this.recovery.timedOut(isFirst, now);
  }

  /** The reordering timer expired: RFC 8985 6.2, step 5. */
  reorderingTimedOut(now: number): void {
    const { sample } = this.rate;
    this.rate.beginAck(this.inflight);
    this.recovery.lookAgain(now);
    if (sample.newlyLost > 0) this.congestion.acknowledged(sample, this, now);
  }

  /** What was sent is too large for the path: it goes out again in smaller pieces (RFC 1191 6.4). */
  sendAgain(): void {
    this.recovery.sendAgain();
  }

  release(): void {
    this.ring.release();
    this.segments.clear();
  }
}
