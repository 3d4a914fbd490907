/**
 * Chooses the next segment to send: lost data first, then new data (RFC 6675 4, NextSeg). Both
 * windows and the pacer limit sending, and small segments wait (RFC 9293 3.7.4 and 3.8.6.2.1).
 */
import { RING_INITIAL_CAPACITY, type RingBuffer } from '../../../lib/ring-buffer.js';
import { sequenceAdd, sequenceDistance } from '../../../lib/sequence-number.js';
import type { CongestionControl } from '../congestion/congestion-control.js';
import type { LossRecovery } from './loss-recovery.js';
import type { Pacer } from './pacer.js';
import type { SentSegment, SentSegments } from './sent-segments.js';

/**
 * The memory that the scoreboard uses for each segment, in octets, rounded up. The peer chooses the
 * MSS (RFC 9293 3.7.1 sets no minimum). With 36 octets of data in each segment, the scoreboard
 * would use several times the memory of the send ring, but the stack's budget counts only the ring.
 *
 * Therefore the scoreboard may use only as much memory as the ring. At that limit, new data waits
 * for an ACK and is then sent in larger segments. Connections with large segments never reach the
 * limit, and even tiny segments can fill the initial window of RFC 6928.
 */
const SEGMENT_MEMORY = 256;

/** The sender state that the choice depends on. */
export interface SegmentSource {
  readonly mss: number;
  readonly inflight: number;
  readonly flightSize: number;
  readonly sndNew: number;
  readonly sndWnd: number;
  readonly maxSndWnd: number;
  readonly dataEnd: number;
  readonly finQueued: boolean;
  readonly hasUnsent: boolean;
  readonly noDelay: boolean;
  readonly ring: Pick<RingBuffer, 'capacity'>;
  readonly segments: SentSegments;
  readonly recovery: LossRecovery;
  readonly congestion: CongestionControl;
  readonly pacer: Pacer;
}

export class NextSegment {
  /** The segment to retransmit; undefined for new data. */
  segment: SentSegment | undefined = undefined;
  start = 0;
  /** The number of data octets, without the FIN. */
  length = 0;
  hasFin = false;
  /**
   * When the pacer allows the chosen segment to be sent, in ms; Infinity if pacing does not delay
   * it.
   */
  paceAt = Infinity;
  readonly #source: SegmentSource;

  constructor(source: SegmentSource) {
    this.#source = source;
  }

  /** The sequence number after the chosen segment. */
  get end(): number {
    return sequenceAdd(this.start, this.length + (this.hasFin ? 1 : 0));
  }

  /** Chooses the segment to send at `now`. Returns false if nothing may be sent. */
  choose(now: number): boolean {
    this.paceAt = Infinity;
    const { recovery, segments, congestion, inflight, mss, sndWnd, flightSize } = this.#source;
    const { head } = segments;
    // The head may have been SACKed since the timer expired.
    if (recovery.isHeadDue && head?.isSacked === false) return this.#again(head);
    const window = congestion.cwnd - inflight;
    const lost = segments.firstLost;
    if (lost !== undefined) {
      const fits = inflight === 0 || window >= Math.min(lost.length, mss);
      return fits && this.#mayDepart(now) && this.#again(lost);
    }
    return this.#new(Math.min(window, sndWnd - flightSize), false) && this.#mayDepart(now);
  }

  /**
   * RFC 8985 7.3, TLP_send_probe(): chooses new data if the peer's window allows it, otherwise the
   * last segment.
   */
  chooseTailProbe(): boolean {
    const { hasUnsent, sndWnd, flightSize, segments } = this.#source;
    if (hasUnsent && this.#new(sndWnd - flightSize, true)) return true;
    return segments.last !== undefined && this.#again(segments.last);
  }

  /**
   * Chooses the window probe of the persist timer: the data that fits into the window, or one octet
   * beyond it.
   */
  chooseWindowProbe(): boolean {
    const { sndWnd, flightSize } = this.#source;
    return this.#new(Math.max(1, sndWnd - flightSize), true);
  }

  #mayDepart(now: number): boolean {
    const { congestion, pacer } = this.#source;
    const at = pacer.departure(congestion.pacingRate, congestion.sendQuantum, now);
    if (at <= now) return true;
    this.paceAt = at;
    return false;
  }

  #again(segment: SentSegment): boolean {
    const { mss, dataEnd, finQueued } = this.#source;
    const text = Math.min(segment.length, sequenceDistance(segment.start, dataEnd));
    this.segment = segment;
    this.start = segment.start;
    this.length = Math.min(text, mss);
    this.hasFin = finQueued && this.length === text && text < segment.length;
    return true;
  }

  #new(window: number, isForced: boolean): boolean {
    const { mss, sndNew, dataEnd, finQueued } = this.#source;
    const available = sequenceDistance(sndNew, dataEnd);
    if (available < 0 || this.#isScoreboardFull()) return false;
    const length = Math.max(0, Math.min(available, Math.floor(window), mss));
    const fin = finQueued && length === available && window > length;
    if (length === 0 && !fin) return false;
    if (!isForced && !fin && length < mss && !this.#mayBeSmall(length, available)) return false;
    this.segment = undefined;
    this.start = sndNew;
    this.length = length;
    this.hasFin = fin;
    return true;
  }

  #isScoreboardFull(): boolean {
    const { segments, ring } = this.#source;
    return segments.size * SEGMENT_MEMORY >= Math.max(ring.capacity, RING_INITIAL_CAPACITY);
  }

  /**
   * RFC 9293 3.8.6.2.1, (2) and (3): a small segment may be sent if it carries all queued data or
   * at least half of the largest window seen.
   */
  #mayBeSmall(length: number, available: number): boolean {
    const { noDelay, flightSize, maxSndWnd } = this.#source;
    if (length === available && (noDelay || flightSize === 0)) return true;
    return length * 2 >= maxSndWnd;
  }
}
