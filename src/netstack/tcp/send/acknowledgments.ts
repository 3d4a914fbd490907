/**
 * Processes ACKs: finds the segments that the peer received, samples RTT and delivery rate, and
 * informs LossRecovery and CongestionControl.
 */
import { clearList } from '../../../lib/clear-list.js';
import { sequenceDistance } from '../../../lib/sequence-number.js';
import type { AckReport, LossRecovery, RecoverySubject } from './loss-recovery.js';
import type { TcpOptions } from '../open/options.js';
import type { RoundTrips } from './round-trips.js';
import { type SackSubject, takeSelectiveAcks } from '../receive/sack-option.js';
import type { SentSegment } from './sent-segments.js';

/** The part of the sender that ACK processing uses. */
export interface AcknowledgmentSubject extends RecoverySubject, SackSubject {
  readonly roundTrips: RoundTrips;
  readonly recovery: LossRecovery;
  /** Moves SND.UNA and discards the acknowledged octets. */
  advance(segAck: number): void;
}

/**
 * The summary of the current ACK. One object is enough, because ACKs are processed one at a time.
 */
const report: AckReport = {
  acknowledged: 0,
  isDuplicate: false,
  echoedAt: -1,
  dsackStart: 0,
  dsackEnd: 0,
};

/** The segments that the current ACK reports as received. */
const arrived: SentSegment[] = [];

/** The segments that the current ACK has removed from the scoreboard. */
const taken: SentSegment[] = [];

export class Acknowledgments {
  readonly #sender: AcknowledgmentSubject;

  constructor(sender: AcknowledgmentSubject) {
    this.#sender = sender;
  }

  /**
   * Processes an acceptable ACK that is not below SND.UNA.
   *
   * @param isDuplicate true for a duplicate ACK as defined in RFC 5681 2
   * @param echoRtt RTT in ms from the echoed timestamp, or -1
   */
  take(
    segAck: number,
    options: TcpOptions,
    isDuplicate: boolean,
    echoRtt: number,
    now: number,
  ): void {
    const sender = this.#sender;
    clearList(arrived);
    clearList(taken);
    report.acknowledged = sequenceDistance(sender.sndUna, segAck);
    report.isDuplicate = isDuplicate;
    report.echoedAt = echoRtt < 0 ? -1 : Math.floor(now) - echoRtt;
    report.dsackStart = 0;
    report.dsackEnd = 0;
    sender.rate.beginAck(sender.inflight);
    if (report.acknowledged > 0) this.#takeCumulative(segAck, echoRtt, now);
    if (options.sackCount > 0 && sender.usesSack) {
      takeSelectiveAcks(sender, options, report, arrived);
    }
    this.#takeArrived(report, now);
    sender.rate.endAck(sender.minimumRtt.value);
    sender.recovery.acknowledged(report, now);
    this.#tellCongestion(report, now);
  }

  #takeCumulative(segAck: number, echoRtt: number, now: number): void {
    const { segments, roundTrips } = this.#sender;
    this.#sender.advance(segAck);
    let firstSentAt = -1;
    let isAmbiguous = false;
    for (;;) {
      const { head } = segments;
      const wasSacked = head?.isSacked ?? false;
      const segment = segments.takeAcknowledged(segAck);
      if (segment === undefined) break;
      if (firstSentAt < 0) firstSentAt = segment.sentAt;
      isAmbiguous ||= segment.isRetransmitted;
      if (!wasSacked) arrived.push(segment);
      taken.push(segment);
    }
    const rtt = firstSentAt < 0 || isAmbiguous ? -1 : now - firstSentAt;
    roundTrips.acknowledged(rtt, echoRtt, now);
  }

  #takeArrived({ echoedAt }: AckReport, now: number): void {
    const { rate, segments, minimumRtt, recovery } = this.#sender;
    rate.lost -= segments.takeWronglyLost();
    for (const segment of arrived) {
      rate.segmentDelivered(segment, now);
      if (!segment.isRetransmitted) minimumRtt.sample(now - segment.sentAt, now);
    }
    for (const segment of arrived) recovery.segmentDelivered(segment, echoedAt, now);
    // Clear the module-wide arrays so that they do not keep a closed connection's segments alive.
    clearList(arrived);
    for (let segment = taken.pop(); segment; segment = taken.pop()) segments.release(segment);
  }

  #tellCongestion({ acknowledged, isDuplicate }: AckReport, now: number): void {
    const sender = this.#sender;
    const { sample } = sender.rate;
    sample.isCumulative = acknowledged > 0;
    sample.acknowledged = acknowledged;
    // RFC 9937 6.2: without SACK, each duplicate ACK counts as one delivered segment.
    if (!sender.usesSack && isDuplicate) sample.newlyDelivered += sender.mss;
    if (sample.newlyDelivered === 0 && sample.newlyLost === 0) return;
    sender.congestion.acknowledged(sample, sender, now);
  }
}
