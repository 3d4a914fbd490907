/**
 * The scoreboard of RFC 6675: unacknowledged segments, with the send times that RFC 8985 needs.
 * Each segment is in flight, lost, or SACKed. Segments in flight are also linked in send order.
 */
import {
  sequenceAtOrBefore,
  sequenceBefore,
  sequenceDistance,
} from '../../../lib/sequence-number.js';
import type { Transmission } from '../congestion/congestion-control.js';
import { RingList } from '../../ring-list.js';

/**
 * Octets [start, end) of the sequence space that were sent in one segment: data, optionally
 * followed by a FIN.
 */
export class SentSegment implements Transmission {
  start: number;
  end: number;
  sentAt = 0;
  // Delivery state at send time, for the rate sample (draft-ietf-ccwg-bbr 4.1.2.1.2).
  firstSentAt = 0;
  deliveredAt = 0;
  delivered = 0;
  inflight = 0;
  lost = 0;
  isAppLimited = false;
  isRetransmitted = false;
  isSacked = false;
  isLost = false;
  /** Whether C.lost includes this segment. True only if the network lost it. */
  isCounted = false;
  /**
   * Whether a spurious retransmission put two copies into the network; pipe (RFC 6675 4) counts
   * both.
   */
  isInFlightTwice = false;
  /** The neighbors in send order, while the segment is in flight. */
  earlier: SentSegment | undefined = undefined;
  later: SentSegment | undefined = undefined;

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }

  /** Turns an object that is not in a scoreboard into a new segment. */
  restart(start: number, end: number): void {
    this.start = start;
    this.end = end;
    this.isRetransmitted = false;
    this.isSacked = false;
    this.isLost = false;
    this.isCounted = false;
    this.isInFlightTwice = false;
  }

  get length(): number {
    return sequenceDistance(this.start, this.end);
  }

  /** Octets in the network while the segment is in flight. */
  get inNetwork(): number {
    return this.isInFlightTwice ? 2 * this.length : this.length;
  }

  /**
   * Whether this segment was sent before another: the inverse of RACK_sent_after() in RFC 8985 6.2.
   */
  isSentBefore(sentAt: number, end: number): boolean {
    return this.sentAt < sentAt || (this.sentAt === sentAt && sequenceBefore(this.end, end));
  }
}

/** The maximum number of objects that are kept for later segments. */
const MAX_FREE = 1_024;

/** All connections of a thread share the free objects. */
const free: SentSegment[] = [];

export class SentSegments {
  /** Sorted by sequence number. */
  readonly #segments = new RingList<SentSegment>();
  /** No segment before this index is lost; the search for lost segments starts here. */
  #lostFrom = 0;
  #oldest: SentSegment | undefined = undefined;
  #newest: SentSegment | undefined = undefined;
  #inflight = 0;
  #lostCount = 0;
  #sackedCount = 0;
  #wronglyLost = 0;

  get size(): number {
    return this.#segments.length;
  }

  /** Octets in flight: sent, and neither lost nor known to have arrived. */
  get inflight(): number {
    return this.#inflight;
  }

  /** The number of segments waiting for retransmission. */
  get lostCount(): number {
    return this.#lostCount;
  }

  /** The number of segments that the peer has SACKed. */
  get sackedCount(): number {
    return this.#sackedCount;
  }

  get head(): SentSegment | undefined {
    return this.#segments.at(0);
  }

  get last(): SentSegment | undefined {
    return this.#segments.at(this.#segments.length - 1);
  }

  /** The in-flight segment that was sent first. `later` links to the next one. */
  get oldest(): SentSegment | undefined {
    return this.#oldest;
  }

  get firstLost(): SentSegment | undefined {
    if (this.#lostCount === 0) return undefined;
    while (!this.#segments.at(this.#lostFrom)!.isLost) this.#lostFrom++;
    return this.#segments.at(this.#lostFrom);
  }

  /** Adds a segment of new data, which counts as in flight after sent() is called. */
  add(start: number, end: number): SentSegment {
    const segment = free.pop() ?? new SentSegment(start, end);
    segment.restart(start, end);
    this.#segments.push(segment);
    return segment;
  }

  /** Allows a segment from takeAcknowledged() to be used again. Nothing may refer to it any more. */
  release(segment: SentSegment): void {
    if (free.length < MAX_FREE) free.push(segment);
  }

  /** Records a transmission or retransmission of the segment. */
  sent(segment: SentSegment): void {
    if (segment.isLost) {
      segment.isLost = false;
      segment.isCounted = false;
      this.#lostCount--;
    } else if (this.#isInFlight(segment)) {
      this.#unlink(segment);
    }
    this.#link(segment, this.#newest);
  }

  /**
   * Removes and returns the first segment if `segAck` covers it. A partly covered segment is split
   * first.
   */
  takeAcknowledged(segAck: number): SentSegment | undefined {
    const { head } = this;
    if (head === undefined || sequenceAtOrBefore(segAck, head.start)) return undefined;
    if (sequenceBefore(segAck, head.end)) this.split(head, segAck);
    this.#segments.shift();
    if (this.#lostFrom > 0) this.#lostFrom--;
    this.#forget(head);
    return head;
  }

  /**
   * Marks all segments that lie entirely in [start, end) as received, and adds those newly received
   * to `delivered`.
   */
  sack(start: number, end: number, delivered: SentSegment[]): void {
    const segments = this.#segments;
    for (let index = this.#indexFrom(start); index < segments.length; index++) {
      const segment = segments.at(index)!;
      if (sequenceBefore(end, segment.end)) return;
      if (segment.isSacked) continue;
      this.#forget(segment);
      segment.isSacked = true;
      this.#sackedCount++;
      delivered.push(segment);
    }
  }

  /**
   * @param isCounted whether C.lost includes the segment; false if the segment is resent for a
   * reason other than loss
   */
  lose(segment: SentSegment, isCounted = true): void {
    this.#unlink(segment);
    segment.isLost = true;
    segment.isCounted = isCounted;
    this.#lostCount++;
    this.#lostFrom = Math.min(this.#lostFrom, this.#indexFrom(segment.start));
  }

  /**
   * Marks all SACKed segments as lost, because the receiver discarded data that it had SACKed (RFC
   * 2018 8).
   */
  forgetSacks(): void {
    for (let index = 0; index < this.#segments.length; index++) {
      const segment = this.#segments.at(index)!;
      if (!segment.isSacked) continue;
      segment.isSacked = false;
      segment.isLost = true;
      this.#lostCount++;
    }
    this.#sackedCount = 0;
    this.#lostFrom = 0;
  }

  /**
   * Undoes a spurious recovery: segments marked lost are still in flight, and those retransmitted
   * since `since` are in flight twice.
   */
  takeBackLosses(since: number): void {
    const inFlight: SentSegment[] = [];
    for (let index = 0; index < this.#segments.length; index++) {
      const segment = this.#segments.at(index)!;
      if (segment.isSacked) continue;
      segment.isLost = false;
      segment.isCounted = false;
      segment.isInFlightTwice ||= segment.isRetransmitted && segment.sentAt >= since;
      inFlight.push(segment);
    }
    this.#lostCount = 0;
    this.#inflight = 0;
    this.#oldest = undefined;
    this.#newest = undefined;
    inFlight.sort((left, right) => left.sentAt - right.sentAt);
    for (const segment of inFlight) this.#link(segment, this.#newest);
  }

  /** Splits a segment into [start, at) and a new segment after it with the same state. */
  split(segment: SentSegment, at: number): void {
    const rest = new SentSegment(at, segment.end);
    const { sentAt, firstSentAt, deliveredAt, delivered, inflight, lost } = segment;
    Object.assign(rest, { sentAt, firstSentAt, deliveredAt, delivered, inflight, lost });
    rest.isAppLimited = segment.isAppLimited;
    rest.isRetransmitted = segment.isRetransmitted;
    const isInFlight = this.#isInFlight(segment);
    this.#segments.insert(this.#indexFrom(segment.start) + 1, rest);
    segment.end = at;
    rest.isSacked = segment.isSacked;
    rest.isLost = segment.isLost;
    rest.isCounted = segment.isCounted;
    rest.isInFlightTwice = segment.isInFlightTwice;
    if (rest.isSacked) this.#sackedCount++;
    if (rest.isLost) this.#lostCount++;
    if (!isInFlight) return;
    // Subtract these octets first, because #link() counts them again.
    this.#inflight -= rest.inNetwork;
    this.#link(rest, segment);
  }

  clear(): void {
    this.#segments.clear();
    this.#lostFrom = 0;
    this.#oldest = undefined;
    this.#newest = undefined;
    this.#inflight = 0;
    this.#lostCount = 0;
    this.#sackedCount = 0;
  }

  /** Removes a segment from the counters of its current state. */
  #forget(segment: SentSegment): void {
    if (segment.isSacked) {
      segment.isSacked = false;
      this.#sackedCount--;
    } else if (segment.isLost) {
      segment.isLost = false;
      this.#lostCount--;
      if (segment.isCounted) this.#wronglyLost += segment.length;
      segment.isCounted = false;
    } else {
      this.#unlink(segment);
    }
  }

  /** Returns the octets marked lost that arrived without a retransmission since the last call. */
  takeWronglyLost(): number {
    const octets = this.#wronglyLost;
    this.#wronglyLost = 0;
    return octets;
  }

  #isInFlight(segment: SentSegment): boolean {
    return segment.earlier !== undefined || this.#oldest === segment;
  }

  #link(segment: SentSegment, after: SentSegment | undefined): void {
    const later = after === undefined ? this.#oldest : after.later;
    segment.earlier = after;
    segment.later = later;
    if (after === undefined) this.#oldest = segment;
    else after.later = segment;
    if (later === undefined) this.#newest = segment;
    else later.earlier = segment;
    this.#inflight += segment.inNetwork;
  }

  #unlink(segment: SentSegment): void {
    const { earlier, later } = segment;
    if (earlier === undefined) this.#oldest = later;
    else earlier.later = later;
    if (later === undefined) this.#newest = earlier;
    else later.earlier = earlier;
    segment.earlier = undefined;
    segment.later = undefined;
    this.#inflight -= segment.inNetwork;
    segment.isInFlightTwice = false;
  }

  /** The index of the first segment that starts at or after `sequence`. */
  #indexFrom(sequence: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sequenceBefore(this.#segments.at(middle)!.start, sequence)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
