/**
 * The sending half of a connection: SND.* of RFC 9293 3.3.1, the send ring, and which octets go
 * out next. Losses are found by duplicate ACKs (RFC 6582) and by the timer (RFC 6298); what they
 * mean for the window is CongestionControl's matter.
 */
import type { MemoryBudget } from '../../lib/memory-budget.js';
import { RingBuffer } from '../../lib/ring-buffer.js';
import {
  sequenceAdd,
  sequenceAtOrBefore,
  sequenceBefore,
  sequenceDistance,
  sequenceMax,
} from '../../lib/sequence-number.js';
import type { CongestionControl } from './congestion/congestion-control.js';
import { NewReno } from './congestion/new-reno.js';
import { RtoEstimator } from './rto.js';

/** RFC 5681 3.2: the third duplicate ACK shows a loss. */
const DUPLICATE_THRESHOLD = 3;

export class Sender {
  readonly ring: RingBuffer;
  readonly rto = new RtoEstimator();
  readonly congestion: CongestionControl;
  readonly iss: number;
  sndUna: number;
  sndNxt: number;
  /** Where sending goes on: SND.NXT, or before it when what follows counts as lost. */
  sndRtx: number;
  /** Scaled, in bytes. */
  sndWnd = 0;
  sndWl1 = 0;
  sndWl2 = 0;
  /** Max(SND.WND) of RFC 9293 3.8.6.2.1 and MAX.SND.WND of RFC 5961 5.2. */
  maxSndWnd = 0;
  /** Snd.Wind.Shift of RFC 7323 2.2. */
  shift = 0;
  /** Eff.snd.MSS of RFC 9293 3.7.1: payload bytes of a full segment. */
  mss: number;
  /** Without Nagle's algorithm (RFC 9293 3.7.4). */
  noDelay = true;
  /** The user has closed; a FIN follows the last byte of the ring. */
  finQueued = false;
  /** The SYN is to be sent (again). */
  synDue = true;
  /** The first unacknowledged segment is to be sent again, whatever the window. */
  headDue = false;
  /** What `planSegment` chose. */
  planLength = 0;
  planFin = false;
  /** Segments sent more than once. */
  retransmits = 0;

  #inRecovery = false;
  /** `recover` of RFC 6582, as the sequence number behind the highest sent. */
  #recover: number;
  #duplicateAcks = 0;
  #partialAcks = 0;
  /** The one segment being timed where there are no timestamps: its end, and when it left. */
  #timedEnd = 0;
  #timedAt = -1;
  #lastSampleAt = -Infinity;
  #lastSentAt = -Infinity;
  #timedOutAt = -Infinity;

  constructor(iss: number, maximum: number, mss: number, budget: MemoryBudget) {
    this.ring = new RingBuffer(maximum, budget);
    this.congestion = new NewReno(mss);
    this.mss = mss;
    this.iss = iss;
    this.sndUna = iss;
    this.sndNxt = iss;
    this.sndRtx = iss;
    this.#recover = iss;
    this.#ringSequence = sequenceAdd(iss, 1);
  }

  /** The sequence number of the first byte in the ring. */
  #ringSequence: number;

  /** The sequence number behind the last byte that the user gave. */
  get dataEnd(): number {
    return sequenceAdd(this.#ringSequence, this.ring.length);
  }

  /** Octets that count as being in the network. */
  get flight(): number {
    return sequenceDistance(this.sndUna, this.sndRtx);
  }

  get inRecovery(): boolean {
    return this.#inRecovery;
  }

  /**
   * Whether an ACK restarts the retransmission timer: RFC 6298 5.3, but in recovery the first
   * partial ACK alone (RFC 6582 4, the impatient variant), so that many holes end in slow start.
   */
  get restartsTimer(): boolean {
    return !this.#inRecovery || this.#partialAcks <= 1;
  }

  /** Whether our FIN, and so all before it, is acknowledged. */
  get finAcknowledged(): boolean {
    return this.finQueued && sequenceBefore(this.dataEnd, this.sndUna);
  }

  /** Whether there is data or a FIN that is not in the network. */
  get hasUnsent(): boolean {
    return sequenceBefore(this.sndRtx, sequenceAdd(this.dataEnd, this.finQueued ? 1 : 0));
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

  /**
   * Chooses the next segment, from `headDue` or at `sndRtx`, into `planLength` and `planFin`.
   * @returns false when nothing may be sent now
   */
  planSegment(): boolean {
    if (this.headDue) {
      const length = Math.min(this.mss, sequenceDistance(this.sndUna, this.sndNxt));
      return this.#plan(this.sndUna, Math.max(length, 1), true);
    }
    const extra = this.#inRecovery ? 0 : Math.min(this.#duplicateAcks, 2) * this.mss;
    // RFC 3042: the first two duplicate ACKs each let one new segment out.
    const window = Math.min(this.congestion.cwnd + extra, this.sndWnd) - this.flight;
    return this.#plan(this.sndRtx, window, false);
  }

  /** Chooses what a persist timer sends: what fits into the window, or one octet beyond it. */
  planProbe(): boolean {
    const window = Math.max(1, this.sndWnd - this.flight);
    return this.#plan(this.sndRtx, window, true);
  }

  #plan(sequence: number, window: number, forced: boolean): boolean {
    const available = this.ring.length - this.ringOffset(sequence);
    if (available < 0) return false;
    const length = Math.max(0, Math.min(available, window, this.mss));
    const fin = this.finQueued && length === available && window > length;
    if (length === 0 && !fin) return false;
    if (!forced && !fin && length < this.mss && !this.#mayBeSmall(length, available)) return false;
    this.planLength = length;
    this.planFin = fin;
    return true;
  }

  /** RFC 9293 3.8.6.2.1, (2) and (3): all that is queued, or half of the largest window seen. */
  #mayBeSmall(length: number, available: number): boolean {
    if (length === available && (this.noDelay || this.flight === 0)) return true;
    return length * 2 >= this.maxSndWnd;
  }

  /** Octets [sequence, end) have left. */
  segmentSent(sequence: number, end: number, now: number): void {
    this.#lastSentAt = now;
    this.headDue = false;
    if (sequence === this.sndRtx) this.sndRtx = end;
    if (sequenceBefore(sequence, this.sndNxt)) {
      this.retransmits++;
      // Karn's algorithm, RFC 6298 3: no sample from what was sent twice.
      this.#timedAt = -1;
    } else if (this.#timedAt < 0) {
      this.#timedAt = now;
      this.#timedEnd = end;
    }
    this.sndNxt = sequenceMax(this.sndNxt, end);
  }

  /** Before data goes out: RFC 5681 4.1 restarts a connection that was idle for an RTO. */
  noteIdle(now: number): void {
    if (this.flight === 0 && now - this.#lastSentAt > this.rto.rto) {
      this.congestion.restartAfterIdle();
    }
  }

  /**
   * An ACK beyond SND.UNA.
   *
   * @param echoRtt round trip by the echoed timestamp, or -1
   * @returns bytes of the user's data that it covered
   */
  acknowledge(segAck: number, now: number, echoRtt: number): number {
    const flight = sequenceDistance(this.sndUna, this.sndNxt);
    const acked = sequenceDistance(this.sndUna, segAck);
    const data = Math.min(Math.max(0, this.ringOffset(segAck)), this.ring.length);
    this.ring.discard(data);
    this.#ringSequence = sequenceAdd(this.#ringSequence, data);
    this.sndUna = segAck;
    this.sndRtx = sequenceMax(this.sndRtx, segAck);
    this.headDue = false;
    this.#measure(segAck, now, echoRtt);
    if (this.#inRecovery) {
      this.#acknowledgeInRecovery(segAck, acked);
    } else {
      this.#duplicateAcks = 0;
      // The SYN's octet is not the congestion window's matter.
      if (data > 0) this.congestion.acknowledged(data, flight);
    }
    return data;
  }

  #measure(segAck: number, now: number, echoRtt: number): void {
    const { rto } = this;
    if (echoRtt >= 0 && now - echoRtt < this.#timedOutAt) {
      // The echo is older than the last expiry of the timer: all ACKs were lost, and a duplicate
      // of the last one came now. The wait for the timer is no round trip; taken as one it would
      // double the next wait, and so on. But the path is alive, so the backoff is over.
      rto.endBackoff();
    } else if (echoRtt >= 0) {
      // Once a round trip, as RFC 6298 3 asks; RFC 7323 appendix G: more would distort the filter.
      if (rto.backoff > 0 || now - this.#lastSampleAt >= rto.srtt) {
        rto.sample(echoRtt);
        this.#lastSampleAt = now;
      }
    } else if (this.#timedAt >= 0 && sequenceAtOrBefore(this.#timedEnd, segAck)) {
      rto.sample(now - this.#timedAt);
    } else {
      rto.ease();
    }
    if (sequenceAtOrBefore(this.#timedEnd, segAck)) this.#timedAt = -1;
  }

  #acknowledgeInRecovery(segAck: number, acked: number): void {
    if (sequenceBefore(segAck, this.#recover)) {
      // RFC 6582 3.2, step 3: a partial ACK shows the next hole.
      this.#partialAcks++;
      this.congestion.partiallyAcknowledged(acked);
      this.headDue = true;
      return;
    }
    this.#inRecovery = false;
    this.#duplicateAcks = 0;
    this.#recover = sequenceAdd(segAck, -1);
    this.congestion.exitRecovery(this.flight);
  }

  /** A duplicate ACK as RFC 5681 2 defines it. */
  duplicateAck(): void {
    this.#duplicateAcks++;
    if (this.#inRecovery) {
      this.congestion.duplicateInRecovery();
      return;
    }
    // RFC 6582 3.2, step 1: not for what a timeout is already repairing.
    if (this.#duplicateAcks !== DUPLICATE_THRESHOLD) return;
    if (!sequenceBefore(this.#recover, this.sndUna)) return;
    this.congestion.enterRecovery(sequenceDistance(this.sndUna, this.sndNxt));
    this.#inRecovery = true;
    this.#partialAcks = 0;
    this.#recover = this.sndNxt;
    this.headDue = true;
  }

  /** The retransmission timer expired: RFC 6298 5.4 to 5.6, RFC 5681 3.1, RFC 6582 3.2 step 4. */
  timedOut(now: number): void {
    this.#timedOutAt = now;
    const flight = sequenceDistance(this.sndUna, this.sndNxt);
    this.congestion.timedOut(flight, this.rto.backoff === 0);
    this.rto.backOff();
    this.#inRecovery = false;
    this.#duplicateAcks = 0;
    this.#recover = this.sndNxt;
    this.#timedAt = -1;
    this.headDue = false;
    this.sndRtx = this.sndUna;
  }

  /** What was sent is too large for the path: it goes out again in smaller pieces (RFC 1191 6.4). */
  sendAgain(): void {
    this.sndRtx = this.sndUna;
    this.headDue = false;
    this.#timedAt = -1;
  }
}
