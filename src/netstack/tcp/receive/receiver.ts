/**
 * The receiving half of a connection: RCV.* of RFC 9293 3.3.1, the receive ring, out-of-order data,
 * and ACK scheduling.
 */
import type { MemoryBudget } from '../../../lib/memory-budget.js';
import { RingBuffer } from '../../../lib/ring-buffer.js';
import {
  sequenceAdd,
  sequenceAtOrBefore,
  sequenceBefore,
  sequenceDistance,
} from '../../../lib/sequence-number.js';
import { DEFAULT_MSS, SACK_BLOCKS } from '../open/options.js';
import { Reassembly } from './reassembly.js';
import { ReceiveWindow } from './receive-window.js';
import { SelectiveAcks } from '../send/selective-acks.js';

/**
 * The delayed ACK timeout in ms. RFC 9293 3.8.6.3 allows up to 500 ms. This value is Linux's
 * minimum and is well below the usual minimum RTO of 200 ms.
 */
export const DELAYED_ACK_TIME = 40;

/**
 * The maximum number of duplicate ACKs that may be pending. The peer's fast retransmit needs only
 * three, and sending more than 64 in a batch has no benefit.
 */
const MAXIMUM_DUPLICATE_ACKS = 64;

/** How many full segments are ACKed individually at first, to speed up the peer's slow start. */
const QUICK_ACKS = 16;

export type TextOutcome = 'in-order' | 'ahead' | 'nothing-new' | 'too-many-ranges' | 'no-memory';

export class Receiver {
  readonly ring: RingBuffer;
  readonly ranges = new Reassembly();
  readonly window: ReceiveWindow;
  readonly selectiveAcks = new SelectiveAcks();
  /** Whether both SYNs carried SACK-permitted. */
  usesSack = false;
  irs = 0;
  rcvNxt = 0;
  /** The right edge of the advertised window, RCV.NXT + RCV.WND; never moves back. */
  rcvEdge = 0;
  /** Rcv.Wind.Shift of RFC 7323 2.3: the scaling of the local window field. */
  shift = 0;
  /** The sequence number of the peer's FIN, valid if `finSeen`. */
  finSequence = 0;
  finSeen = false;
  /** Whether RCV.NXT has passed the FIN, which means that all data was received. */
  finished = false;

  /** Whether an ACK must be sent as soon as possible. */
  ackNow = false;
  /** The number of duplicate ACKs to send, one for each out-of-order segment (RFC 5681 4.2). */
  duplicateAcksOwed = 0;
  /** When the delayed ACK is due; Infinity if no ACK is delayed. */
  delayedAckAt = Infinity;
  /** Last.ACK.sent of RFC 7323 4.3: the acknowledgment number of the last ACK sent. */
  lastAckSent = 0;

  readonly #mss: number;
  /** The estimated size of the peer's full segments: the largest seen. */
  #peerSegment = DEFAULT_MSS;
  #unacknowledged = 0;
  #quickAcks = QUICK_ACKS;

  /** @param mss the local MSS in octets, for silly window avoidance */
  constructor(maximum: number, mss: number, budget: MemoryBudget) {
    this.ring = new RingBuffer(maximum, budget);
    this.window = new ReceiveWindow(maximum, budget);
    this.#mss = mss;
  }

  /** RCV.WND: how many octets the peer may send beyond RCV.NXT. */
  get rcvWnd(): number {
    return sequenceDistance(this.rcvNxt, this.rcvEdge);
  }

  /** The number of unread octets that the ring may hold, given the available memory. */
  #capacity(): number {
    const { limit } = this.window;
    return this.ring.canGrow ? limit : Math.min(limit, this.ring.capacity);
  }

  /**
   * The smallest shift that lets the window field express the size of the whole ring (RFC 7323
   * 2.3).
   */
  get wantedShift(): number {
    let shift = 0;
    while (this.ring.maximum >> shift > 0xffff) shift++;
    return shift;
  }

  /** Records the peer's initial sequence number. */
  synchronize(irs: number): void {
    this.irs = irs;
    this.rcvNxt = sequenceAdd(irs, 1);
    this.rcvEdge = this.rcvNxt;
    this.lastAckSent = this.rcvNxt;
  }

  /**
   * Computes the window field of the segment being sent. The right edge moves only in steps of a
   * full segment or half the buffer (RFC 9293 3.8.6.2.2, MUST-39).
   */
  advertise(shift: number): number {
    const edge = sequenceAdd(this.rcvNxt, this.#capacity() - this.ring.length);
    if (sequenceDistance(this.rcvEdge, edge) >= this.#edgeStep()) {
      const field = Math.min(0xffff, sequenceDistance(this.rcvNxt, edge) >> shift);
      const advertised = sequenceAdd(this.rcvNxt, field << shift);
      if (sequenceBefore(this.rcvEdge, advertised)) this.rcvEdge = advertised;
    }
    return Math.min(0xffff, this.rcvWnd >> shift);
  }

  #edgeStep(): number {
    return Math.min(this.window.limit >> 1, this.#mss);
  }

  /** Whether to send a window update immediately, because the user has read data. */
  opensWindow(): boolean {
    const capacity = this.#capacity();
    const opened = capacity - this.ring.length - this.rcvWnd;
    // If the window is nearly closed, it must grow by only one step. Otherwise, the window must
    // grow by two segments and, unless it is at most a quarter of the buffer, by half the buffer.
    if (this.rcvWnd < this.#edgeStep()) return opened >= this.#edgeStep();
    return opened >= 2 * this.#mss && (opened * 2 >= capacity || this.rcvWnd * 4 <= capacity);
  }

  /**
   * Stores data that is at least partly in the window (RFC 9293 3.10.7.4, seventh step). Keeps
   * out-of-order data (SHLD-31).
   */
  takeText(bytes: Uint8Array, offset: number, length: number, segSeq: number): TextOutcome {
    let from = 0;
    const skip = sequenceDistance(segSeq, this.rcvNxt);
    if (skip > 0) {
      from = skip;
      this.selectiveAcks.arrivedTwice(segSeq, sequenceAdd(segSeq, Math.min(skip, length)));
    }
    // Octets after the peer's FIN are not part of the stream.
    const end = this.finSeen ? this.finSequence : this.rcvEdge;
    const room = sequenceDistance(segSeq, end);
    const count = Math.min(length, room) - from;
    if (count <= 0) return 'nothing-new';
    if (length > this.#peerSegment) this.#peerSegment = Math.min(length, this.#mss);
    const ahead = Math.max(0, -skip);
    const placed = this.ring.writeAhead(ahead, bytes, offset + from, count);
    if (placed === 0) return 'no-memory';
    if (ahead === 0) {
      this.#accept(placed);
      return 'in-order';
    }
    return this.#keepAhead(sequenceAdd(segSeq, from), placed);
  }

  #keepAhead(start: number, length: number): TextOutcome {
    const end = sequenceAdd(start, length);
    const index = this.ranges.find(start);
    if (index >= 0 && sequenceAtOrBefore(end, this.ranges.endAt(index))) {
      this.selectiveAcks.arrivedTwice(start, end);
    }
    if (!this.ranges.insert(start, end)) return 'too-many-ranges';
    this.selectiveAcks.arrivedAhead(start, this.ranges);
    return 'ahead';
  }

  #accept(count: number): void {
    let next = sequenceAdd(this.rcvNxt, count);
    if (this.ranges.size > 0) {
      next = this.ranges.advance(next);
      this.selectiveAcks.advance(next);
      // RFC 5681 4.2: immediately acknowledge a segment that fills a gap.
      this.ackNow = true;
      if (this.finSeen && sequenceBefore(this.finSequence, next)) next = this.#cutAtFin();
    }
    const advanced = sequenceDistance(this.rcvNxt, next);
    this.ring.extend(advanced);
    this.rcvNxt = next;
    this.#unacknowledged += advanced;
  }

  /** Discards out-of-order data after the peer's FIN, because it is not part of the stream. */
  #cutAtFin(): number {
    this.ranges.clear();
    this.selectiveAcks.clear();
    return this.finSequence;
  }

  /** Schedules the ACK for data that arrived in order (RFC 5681 4.2, RFC 9293 3.8.6.3). */
  scheduleAck(now: number): void {
    // The ACK is due after two full segments, or if another segment does not fit into the window.
    const isQuick = this.#quickAcks > 0 && this.#unacknowledged >= this.#peerSegment;
    if (isQuick) this.#quickAcks--;
    const isDue = this.#unacknowledged >= 2 * this.#peerSegment || this.rcvWnd < this.#peerSegment;
    if (isDue || isQuick) this.ackNow = true;
    else if (this.delayedAckAt === Infinity) this.delayedAckAt = now + DELAYED_ACK_TIME;
  }

  /**
   * Schedules duplicate ACKs for out-of-order data, as RFC 5681 4.2 requires: with SACK, enough to
   * report all new blocks; without SACK, one for each segment.
   */
  oweDuplicateAck(): void {
    if (this.usesSack) {
      this.duplicateAcksOwed = Math.max(1, Math.ceil(this.selectiveAcks.untold / SACK_BLOCKS));
      return;
    }
    if (this.duplicateAcksOwed < MAXIMUM_DUPLICATE_ACKS) this.duplicateAcksOwed++;
  }

  /** Clears the pending ACK, because a segment with ACK was sent. */
  ackSent(): void {
    this.ackNow = false;
    this.delayedAckAt = Infinity;
    this.#unacknowledged = 0;
    this.lastAckSent = this.rcvNxt;
  }

  /**
   * Records a FIN inside the window, possibly after a gap. A closed window cannot contain a FIN.
   */
  noteFin(sequence: number): void {
    if (this.finSeen || sequenceBefore(this.rcvEdge, sequence)) return;
    if (this.rcvEdge === this.rcvNxt) return;
    this.finSeen = true;
    this.finSequence = sequence;
  }

  /** Moves RCV.NXT past the peer's FIN if all data before the FIN has arrived. */
  reachFin(): boolean {
    if (!this.finSeen || this.finished || this.rcvNxt !== this.finSequence) return false;
    this.finished = true;
    this.rcvNxt = sequenceAdd(this.rcvNxt, 1);
    if (sequenceBefore(this.rcvEdge, this.rcvNxt)) this.rcvEdge = this.rcvNxt;
    return true;
  }

  /**
   * Whether a segment is acceptable: the table with four cases in RFC 9293 3.10.7.4, first step.
   */
  isAcceptable(segSeq: number, segLen: number): boolean {
    const { rcvNxt, rcvEdge } = this;
    if (rcvEdge === rcvNxt) return segLen === 0 && segSeq === rcvNxt;
    if (sequenceAtOrBefore(rcvNxt, segSeq) && sequenceBefore(segSeq, rcvEdge)) return true;
    if (segLen === 0) return false;
    const last = sequenceAdd(segSeq, segLen - 1);
    return sequenceAtOrBefore(rcvNxt, last) && sequenceBefore(last, rcvEdge);
  }
}
