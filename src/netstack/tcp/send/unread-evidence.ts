/**
 * Determines whether an RST proves that the peer's application has not read the outstanding data.
 *
 * A host without a socket answers a segment with an RST that has no ACK and takes SEG.SEQ from
 * SEG.ACK (RFC 9293 3.10.7.1). A socket that aborts sends an RST with ACK instead, whether or not
 * it has read the data. So if only one segment can have caused an RST without ACK, that RST proves
 * that the socket no longer existed.
 */
import type { Segment } from '../segment.js';
import { ACK } from '../../../wire/tcp.js';
import type { SentSegments } from './sent-segments.js';

/** The sender state that the evidence depends on. */
export interface OutstandingText {
  /** RTO in ms. */
  readonly rto: number;
  readonly segments: Pick<SentSegments, 'head' | 'size'>;
}

export class UnreadEvidence {
  /** Whether there is proof that the unacknowledged data is unread. */
  isProven = false;
  /** Why the first RST after the data was queued proves nothing; undefined if none has arrived. */
  doubt: string | undefined;
  readonly #text: OutstandingText;
  /** SEG.SEQ and SEG.ACK of the first outstanding segment. */
  #sequence = 0;
  #ack = 0;
  /** How long before the first outstanding segment another one was sent, and the RTO then. */
  #pause = Infinity;
  #rtoThen = 0;
  /** Whether a later segment has the same SEG.ACK, so that an RST may be the response to either. */
  #isRepeated = false;
  /** SEG.ACK of the last segment, and when it was sent. */
  #lastAck = 0;
  #lastSentAt = -Infinity;
  /** How many more segments may be sent while the connection is idle. */
  #idleAcks = 0;
  /** The sequence number of the first octet queued after the queue was last empty. */
  #queuedFrom = 0;
  /** Whether a window probe was sent. Its octet will be sent again with other data. */
  #hasProbed = false;

  constructor(text: OutstandingText) {
    this.#text = text;
  }

  /** Records that the user queues data after all earlier data was acknowledged. */
  queueBegins(sequence: number): void {
    this.#queuedFrom = sequence;
    this.doubt = undefined;
  }

  /**
   * Records that the connection ended with data in the queue. The data is unread if none of it was
   * sent.
   *
   * @param sndNxt SND.NXT, which a window probe advances
   */
  ended(sndNxt: number): void {
    if (sndNxt === this.#queuedFrom) this.isProven = true;
  }

  /**
   * Records a segment, before it counts as outstanding.
   *
   * @param sequence SEG.SEQ
   * @param length the number of data octets
   * @param ack SEG.ACK
   */
  segmentSent(sequence: number, length: number, ack: number, now: number): void {
    if (length > 0 && this.#text.segments.size === 0) {
      this.#sequence = sequence;
      this.#ack = ack;
      // A segment that was sent up to one RTO earlier may arrive after the data, as may a copy of
      // acknowledged data.
      this.#pause = ack === this.#lastAck ? now - this.#lastSentAt : Infinity;
      this.#rtoThen = this.#text.rto;
      this.#isRepeated = false;
    } else if (ack === this.#ack) {
      this.#isRepeated = true;
    }
    this.#lastAck = ack;
    this.#lastSentAt = now;
    this.#idleAcks--;
  }

  /**
   * Records that the last exchange is over.
   *
   * @param owesAck whether an ACK for it is sent now
   */
  idleBegins(owesAck: boolean): void {
    this.#idleAcks = owesAck ? 1 : 0;
  }

  /**
   * Records how long the connection was idle, because the stack's clock may have stopped meanwhile.
   *
   * @param duration ms since idleBegins()
   */
  idleEnds(duration: number): void {
    if (this.#idleAcks >= 0 && duration >= this.#text.rto) this.#lastSentAt = -Infinity;
  }

  windowProbeSent(): void {
    this.#hasProbed = true;
  }

  /** Records that the peer acknowledged data, so its socket still exists. */
  acknowledged(): void {
    this.isProven = false;
  }

  /** Records an RST, even one outside the window: after the peer's FIN, SEG.SEQ is an old RCV.NXT. */
  resetArrived(segment: Segment): void {
    const doubt = this.#doubtAbout(segment);
    if (doubt === undefined) this.isProven = true;
    else this.doubt ??= doubt;
  }

  #doubtAbout(segment: Segment): string | undefined {
    const { head, size } = this.#text.segments;
    if (segment.has(ACK)) return 'RST with ACK';
    if (segment.segSeq !== this.#ack) return 'RST for another segment';
    if (head === undefined) return 'acknowledged';
    if (head.isRetransmitted) return 'retransmitted';
    if (size !== 1) return 'several segments';
    // A partial ACK removes the first part of the segment.
    if (head.start !== this.#sequence) return 'partly acknowledged';
    if (this.#isRepeated) return 'another segment with the same ACK';
    if (this.#pause < this.#rtoThen) return this.#earlierSegment;
    return this.#hasProbed ? 'window probe' : undefined;
  }

  get #earlierSegment(): string {
    const [pause, rto] = [this.#pause, this.#rtoThen].map(Math.floor);
    return `another segment ${pause} ms earlier, within the RTO of ${rto} ms`;
  }
}
