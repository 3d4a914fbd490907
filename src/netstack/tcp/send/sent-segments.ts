/**
 * What was sent and is not acknowledged: the scoreboard of RFC 6675, with the times that RFC 8985
 * wants. Each segment is in flight, lost, or known to have arrived by a SACK; those in flight are
 * also kept in the order in which they left.
 */
import {
  sequenceAtOrBefore,
  sequenceBefore,
  sequenceDistance,
} from '../../../lib/sequence-number.js';
import type { Transmission } from '../congestion/congestion-control.js';

/** Octets [start, end) of the sequence space that left together: text, and a FIN behind it. */
export class SentSegment implements Transmission {
  start: number;
  end: number;
  sentAt = 0;
  // What was so when it left, for the rate sample: draft-ietf-ccwg-bbr 4.1.2.1.2.
  firstSentAt = 0;
  deliveredAt = 0;
  delivered = 0;
  inflight = 0;
  lost = 0;
  isAppLimited = false;
  /** It left more than once. */
  isRetransmitted = false;
  isSacked = false;
  isLost = false;
  /** It is lost by the path's fault: C.lost has it. */
  isCounted = false;
  /** It was sent again for nothing: both transmissions are in the network, and in pipe (RFC 6675 4). */
  isInFlightTwice = false;
  /** Its neighbours in time, while in flight. */
  earlier: SentSegment | undefined = undefined;
  later: SentSegment | undefined = undefined;

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }

  get length(): number {
    return sequenceDistance(this.start, this.end);
  }

  /** Octets in the network while it is in flight. */
  get inNetwork(): number {
    return this.isInFlightTwice ? 2 * this.length : this.length;
  }

  /** Whether it left before another segment: RACK_sent_after() of RFC 8985 6.2, turned round. */
  isSentBefore(sentAt: number, end: number): boolean {
    return this.sentAt < sentAt || (this.sentAt === sentAt && sequenceBefore(this.end, end));
  }
}

/** Places at the front of the array that may stay empty. */
const LARGEST_HOLE = 256;

export class SentSegments {
  /** By sequence number, from `#first` on. */
  readonly #segments: SentSegment[] = [];
  #first = 0;
  /** No lost segment lies before it. */
  #lostFrom = 0;
  #oldest: SentSegment | undefined = undefined;
  #newest: SentSegment | undefined = undefined;
  #inflight = 0;
  #lostCount = 0;
  #sackedCount = 0;
  #wronglyLost = 0;

  /** Segments held. */
  get size(): number {
    return this.#segments.length - this.#first;
  }

  /** Octets in flight: sent, neither known to have arrived nor taken for lost. */
  get inflight(): number {
    return this.#inflight;
  }

  /** Segments that wait to be sent again. */
  get lostCount(): number {
    return this.#lostCount;
  }

  /** Segments that arrived behind a gap. */
  get sackedCount(): number {
    return this.#sackedCount;
  }

  get head(): SentSegment | undefined {
    return this.#segments[this.#first];
  }

  get last(): SentSegment | undefined {
    return this.size > 0 ? this.#segments[this.#segments.length - 1] : undefined;
  }

  /** Of those in flight, the one that left first; `later` leads on. */
  get oldest(): SentSegment | undefined {
    return this.#oldest;
  }

  /** The first segment that waits to be sent again. */
  get firstLost(): SentSegment | undefined {
    if (this.#lostCount === 0) return undefined;
    if (this.#lostFrom < this.#first) this.#lostFrom = this.#first;
    while (!this.#segments[this.#lostFrom]!.isLost) this.#lostFrom++;
    return this.#segments[this.#lostFrom];
  }

  /** A segment of new data; it is in flight once sent() is called. */
  add(start: number, end: number): SentSegment {
    const segment = new SentSegment(start, end);
    this.#segments.push(segment);
    return segment;
  }

  /** The segment leaves, for the first time or again. */
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

  /** Takes the first segment out if `segAck` covers it; what it covers in part is split before. */
  takeAcknowledged(segAck: number): SentSegment | undefined {
    const { head } = this;
    if (head === undefined || sequenceAtOrBefore(segAck, head.start)) return undefined;
    if (sequenceBefore(segAck, head.end)) this.split(head, segAck);
    this.#first++;
    this.#forget(head);
    this.#closeHole();
    return head;
  }

  /** Marks what lies in [start, end) whole as arrived, and adds what is news to `delivered`. */
  sack(start: number, end: number, delivered: SentSegment[]): void {
    const segments = this.#segments;
    for (let index = this.#indexFrom(start); index < segments.length; index++) {
      const segment = segments[index]!;
      if (sequenceBefore(end, segment.end)) return;
      if (segment.isSacked) continue;
      this.#forget(segment);
      segment.isSacked = true;
      this.#sackedCount++;
      delivered.push(segment);
    }
  }

  /** @param isCounted the path has lost it, and C.lost is told; else it is sent again for another reason */
  lose(segment: SentSegment, isCounted = true): void {
    this.#unlink(segment);
    segment.isLost = true;
    segment.isCounted = isCounted;
    this.#lostCount++;
    this.#lostFrom = Math.min(this.#lostFrom, this.#indexFrom(segment.start));
  }

  /** The receiver has thrown away what it had told us about (RFC 2018 8): all that counts as lost. */
  forgetSacks(): void {
    for (let index = this.#first; index < this.#segments.length; index++) {
      const segment = this.#segments[index]!;
      if (!segment.isSacked) continue;
      segment.isSacked = false;
      segment.isLost = true;
      this.#lostCount++;
    }
    this.#sackedCount = 0;
    this.#lostFrom = this.#first;
  }

  /**
   * A repair was for nothing: what counts as lost is in flight after all, and what was sent again from
   * `since` on is so twice.
   */
  takeBackLosses(since: number): void {
    const inFlight: SentSegment[] = [];
    for (let index = this.#first; index < this.#segments.length; index++) {
      const segment = this.#segments[index]!;
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

  /** Makes two of one: [start, at) and a new one behind it, which shares its fate so far. */
  split(segment: SentSegment, at: number): void {
    const rest = new SentSegment(at, segment.end);
    const { sentAt, firstSentAt, deliveredAt, delivered, inflight, lost } = segment;
    Object.assign(rest, { sentAt, firstSentAt, deliveredAt, delivered, inflight, lost });
    rest.isAppLimited = segment.isAppLimited;
    rest.isRetransmitted = segment.isRetransmitted;
    const isInFlight = this.#isInFlight(segment);
    this.#segments.splice(this.#indexFrom(segment.start) + 1, 0, rest);
    segment.end = at;
    rest.isSacked = segment.isSacked;
    rest.isLost = segment.isLost;
    rest.isCounted = segment.isCounted;
    rest.isInFlightTwice = segment.isInFlightTwice;
    if (rest.isSacked) this.#sackedCount++;
    if (rest.isLost) this.#lostCount++;
    if (!isInFlight) return;
    // link() counts the octets, which are counted already.
    this.#inflight -= rest.inNetwork;
    this.#link(rest, segment);
  }

  clear(): void {
    this.#segments.length = 0;
    this.#first = 0;
    this.#lostFrom = 0;
    this.#oldest = undefined;
    this.#newest = undefined;
    this.#inflight = 0;
    this.#lostCount = 0;
    this.#sackedCount = 0;
  }

  /** Takes a segment out of the account of what it is now. */
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

  /** Octets that counted as lost and arrived without being sent again, since this was last asked. */
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

  /** The place of the first segment that begins at `sequence` or behind it. */
  #indexFrom(sequence: number): number {
    let low = this.#first;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sequenceBefore(this.#segments[middle]!.start, sequence)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #closeHole(): void {
    const isEmpty = this.#first === this.#segments.length;
    if (!isEmpty && (this.#first < LARGEST_HOLE || this.#first * 2 < this.#segments.length)) return;
    this.#segments.splice(0, this.#first);
    this.#lostFrom = Math.max(0, this.#lostFrom - this.#first);
    this.#first = 0;
  }
}
