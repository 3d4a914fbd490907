/**
 * SEGMENT ARRIVES for a known connection: RFC 9293 3.10.7.4, step by step, with RFC 5961 (blind
 * attacks) and RFC 7323 (timestamps). Read RFC 9293 3.10.7 before you change this file. SYN-SENT
 * has its own file; inbound-segments.ts handles LISTEN and CLOSED.
 *
 * Each step returns whether processing continues with the next step.
 */
import { sequenceAdd, sequenceAtOrBefore, sequenceBefore } from '../../../lib/sequence-number.js';
import { ACK, FIN, RST, SYN } from '../../../wire/tcp.js';
import { armTimers } from '../dispatch.js';
import { deliverEvents, finish, noteWritable, terminate } from '../events.js';
import { becomeEstablished, echoedRtt } from '../open/handshake.js';
import type { Segment } from '../segment.js';
import { acceptsText, isHandshake } from '../state.js';
import { arriveInSynSent } from '../open/syn-sent.js';
import type { Tcb } from '../tcb.js';

/**
 * The minimum interval between ACKs of out-of-window segments, in ms (Linux's
 * tcp_invalid_ratelimit). The limit prevents an endless ACK loop between two peers whose states
 * differ.
 */
const OUT_OF_WINDOW_ACK_INTERVAL = 500;

/** RFC 7323 5.5: TS.Recent is invalid if it is older than 24 days. */
const TIMESTAMP_LIFETIME = 24 * 24 * 3600 * 1000;

/** 2 MSL in ms (RFC 9293 3.4.2), with an MSL of 30 s as in Linux. */
export const TIME_WAIT = 60_000;

/** Handles one segment and notifies the observer of the result. */
export function segmentArrives(tcb: Tcb, segment: Segment, now: number): void {
  tcb.heardAt = now;
  tcb.keepAliveProbes = 0;
  if (tcb.state === 'SYN-SENT') arriveInSynSent(tcb, segment, now);
  else arriveSynchronized(tcb, segment, now);
  settle(tcb, now);
}

/**
 * Updates the timers and the ready queue from the state of the connection, then delivers events.
 */
export function settle(tcb: Tcb, now: number): void {
  if (tcb.state !== 'CLOSED') {
    const { sender, receiver } = tcb;
    if (tcb.state !== 'TIME-WAIT') armTimers(tcb, now);
    const owesAck = receiver.ackNow || receiver.duplicateAcksOwed > 0;
    const hasWork = isHandshake(tcb.state) ? sender.synDue : sender.hasWork || tcb.tailProbeDue;
    if (owesAck || hasWork) tcb.host.enqueue(tcb);
    tcb.updateDeadline();
  }
  deliverEvents(tcb);
}

function arriveSynchronized(tcb: Tcb, segment: Segment, now: number): void {
  if (tcb.state === 'SYN-RECEIVED' && !takeRepeatedSyn(tcb, segment)) return;
  if (!checkTimestamps(tcb, segment, now)) return;
  if (!checkSequence(tcb, segment, now)) return;
  if (!checkReset(tcb, segment, now)) return;
  // RFC 9293 3.10.7.4, third step, security compartments: not implemented, as appendix A.1 allows.
  if (!checkSyn(tcb, segment, now)) return;
  if (!checkAck(tcb, segment, now)) return;
  takeTimestamp(tcb, segment, now);
  if (!checkUrgent()) return;
  processText(tcb, segment, now);
  checkFin(tcb, now);
}

/**
 * Handles a repeated SYN in SYN-RECEIVED. A SYN without ACK means that the SYN-ACK was lost and
 * must be resent. A SYN-ACK completes a simultaneous open (RFC 9293 figure 7); only its ACK must
 * still be processed.
 */
function takeRepeatedSyn(tcb: Tcb, segment: Segment): boolean {
  if (!segment.has(SYN) || segment.has(RST) || segment.segSeq !== tcb.receiver.irs) return true;
  if (segment.has(ACK)) {
    segment.flags &= ~SYN;
    segment.segSeq = sequenceAdd(segment.segSeq, 1);
    return true;
  }
  tcb.sender.synDue = true;
  tcb.host.enqueue(tcb);
  return false;
}

/** PAWS, protection against wrapped sequence numbers (RFC 7323 5.3, R1). */
function checkTimestamps(tcb: Tcb, segment: Segment, now: number): boolean {
  const { options } = segment;
  if (!tcb.timestamps || !options.hasTimestamps || segment.has(RST)) return true;
  if (!sequenceBefore(options.tsVal, tcb.tsRecent)) return true;
  if (now - tcb.tsRecentAt > TIMESTAMP_LIFETIME) return true;
  tcb.host.drops.count('tcp-paws');
  answerUnacceptable(tcb, segment, now);
  return false;
}

/**
 * Updates TS.Recent (RFC 7323 4.3 and 5.3, R3). Uses only segments with valid sequence and ACK
 * numbers. Otherwise, an attacker could set TS.Recent far ahead, and PAWS would reject the peer's
 * later segments (CVE-2005-0356).
 */
function takeTimestamp(tcb: Tcb, { options, segSeq }: Segment, now: number): void {
  if (!tcb.timestamps || !options.hasTimestamps) return;
  if (!sequenceAtOrBefore(segSeq, tcb.receiver.lastAckSent)) return;
  tcb.tsRecent = options.tsVal;
  tcb.tsRecentAt = now;
}

/** First, check the sequence number. */
function checkSequence(tcb: Tcb, segment: Segment, now: number): boolean {
  const { receiver } = tcb;
  if (receiver.isAcceptable(segment.segSeq, segment.segLen)) return true;
  if (receiver.rcvWnd === 0 && segment.segSeq === receiver.rcvNxt) {
    // "If the RCV.WND is zero, … special allowance should be made to accept valid ACKs, URGs, and
    // RSTs": otherwise, two peers with closed windows would never see each other's window updates.
    // Leave data and FIN that do not fit into the window in the segment: without them, it would
    // count as a duplicate ACK (RFC 5681 2). checkSyn() handles a SYN.
    if (!segment.has(SYN)) receiver.ackNow = true;
    return true;
  }
  tcb.host.drops.count('tcp-sequence');
  if (segment.has(RST)) {
    tcb.sender.unread.resetArrived(segment);
    return false;
  }
  const textEnd = sequenceAdd(segment.segSeq, segment.payloadLength);
  // RFC 2883 4: report a DSACK for data that was already received.
  if (sequenceAtOrBefore(textEnd, receiver.rcvNxt)) {
    receiver.selectiveAcks.arrivedTwice(segment.segSeq, textEnd);
  }
  // Acknowledge a repeated FIN in TIME-WAIT and restart the 2 MSL timeout (eighth step).
  if (tcb.state === 'TIME-WAIT' && segment.has(FIN)) tcb.endOfStateAt = now + TIME_WAIT;
  answerUnacceptable(tcb, segment, now);
  return false;
}

function answerUnacceptable(tcb: Tcb, segment: Segment, now: number): void {
  // RFC 5961 4.2: send a challenge ACK "irrespective of the sequence number", within the rate limit
  // of section 7.
  if (segment.has(SYN)) {
    challenge(tcb, now);
    return;
  }
  if (segment.segLen === 0) {
    if (now - tcb.outOfWindowAckAt < OUT_OF_WINDOW_ACK_INTERVAL) return;
    tcb.outOfWindowAckAt = now;
  }
  tcb.receiver.ackNow = true;
}

/** Second, check the RST bit. RFC 5961 3.2: an RST is valid only at exactly RCV.NXT. */
function checkReset(tcb: Tcb, segment: Segment, now: number): boolean {
  if (!segment.has(RST)) return true;
  tcb.sender.unread.resetArrived(segment);
  if (segment.segSeq !== tcb.receiver.rcvNxt) {
    tcb.host.drops.count('tcp-reset');
    challenge(tcb, now);
  } else {
    // A passively opened connection returns to LISTEN silently, because it has no observer yet.
    terminate(tcb, tcb.state === 'SYN-RECEIVED' ? 'refused' : 'reset');
  }
  return false;
}

/**
 * Sends a challenge ACK (RFC 5961 3.2, 4.2, 5.2). A legitimate peer answers with a valid RST if
 * needed.
 */
function challenge(tcb: Tcb, now: number): void {
  if (tcb.host.challengeAcks.take(now)) tcb.receiver.ackNow = true;
  else tcb.host.drops.count('challenge-rate');
}

/** Fourth, check the SYN bit. RFC 5961 4.2: any SYN causes a challenge ACK. */
function checkSyn(tcb: Tcb, segment: Segment, now: number): boolean {
  if (!segment.has(SYN)) return true;
  tcb.host.drops.count('tcp-syn');
  challenge(tcb, now);
  return false;
}

/** Fifth, check the ACK field. */
function checkAck(tcb: Tcb, segment: Segment, now: number): boolean {
  const { sender, host } = tcb;
  const { segAck } = segment;
  if (!segment.has(ACK)) {
    host.drops.count('tcp-ack');
    return false;
  }
  if (tcb.state === 'SYN-RECEIVED') return completeHandshake(tcb, segment, now);
  if (sequenceBefore(sender.sndNxt, segAck)) {
    host.drops.count('tcp-ack');
    tcb.receiver.ackNow = true;
    return false;
  }
  if (sequenceBefore(segAck, sequenceAdd(sender.sndUna, -sender.maxSndWnd))) {
    // RFC 5961 5.2: a legitimate ACK is never that old.
    host.drops.count('tcp-ack');
    challenge(tcb, now);
    return false;
  }
  takeAck(tcb, segment, now);
  return tcb.state !== 'CLOSED';
}

function completeHandshake(tcb: Tcb, segment: Segment, now: number): boolean {
  const { sender, host } = tcb;
  const { segAck } = segment;
  if (sequenceAtOrBefore(segAck, sender.sndUna) || sequenceBefore(sender.sndNxt, segAck)) {
    host.drops.count('tcp-ack');
    host.refuse(tcb, segment, now);
    return false;
  }
  sender.acknowledgeSyn(echoedRtt(tcb, segment, now), now);
  becomeEstablished(tcb, segment, now);
  return true;
}

/** Processes the ACK field in ESTABLISHED and later states. */
function takeAck(tcb: Tcb, segment: Segment, now: number): void {
  const { sender } = tcb;
  const { segAck, segSeq } = segment;
  const window = segment.segWnd << sender.shift;
  const isOld = sequenceBefore(segAck, sender.sndUna);
  // RFC 9293 3.8.6.1: while the window is closed, the connection stays open as long as the peer
  // acknowledges probes.
  if (tcb.persistAt !== Infinity || window === 0) tcb.progressAt = now;
  if (!isOld) takeAcknowledgment(tcb, segment, window, now);
  // SND.WL1 and SND.WL2 prevent an old segment from updating the window.
  if (
    !isOld &&
    (sequenceBefore(sender.sndWl1, segSeq) ||
      (sender.sndWl1 === segSeq && sequenceAtOrBefore(sender.sndWl2, segAck)))
  ) {
    sender.updateWindow(window, segSeq, segAck);
  }
  if (sender.finAcknowledged) finAcknowledged(tcb, now);
}

function takeAcknowledgment(tcb: Tcb, segment: Segment, window: number, now: number): void {
  const { sender } = tcb;
  const { segAck, options } = segment;
  const moves = sequenceBefore(sender.sndUna, segAck);
  const isDuplicate =
    !moves && window === sender.sndWnd && isPureAck(segment) && sender.segments.size > 0;
  if (!moves && !isDuplicate && options.sackCount === 0) return;
  const echoRtt = echoedRtt(tcb, segment, now);
  sender.acknowledgments.take(segAck, options, isDuplicate, echoRtt, now);
  // RFC 8985 7.2: an ACK with new information postpones the tail loss probe.
  tcb.probeAt = Infinity;
  if (!moves) return;
  sender.unread.acknowledged();
  tcb.progressAt = now;
  // RFC 6298 5.3: restart the retransmission timer.
  tcb.retransmitAt = Infinity;
  noteWritable(tcb);
}

/** RFC 5681 2: a pure ACK contains no data, SYN or FIN. */
function isPureAck(segment: Segment): boolean {
  return segment.payloadLength === 0 && !segment.has(FIN);
}

function finAcknowledged(tcb: Tcb, now: number): void {
  if (tcb.state === 'FIN-WAIT-1') tcb.state = 'FIN-WAIT-2';
  else if (tcb.state === 'CLOSING') enterTimeWait(tcb, now);
  else if (tcb.state === 'LAST-ACK') terminate(tcb, 'normal');
}

/**
 * Sixth, check the URG bit. Only legacy applications use urgent data (RFC 9293 3.8.5, RFC 6093).
 * Urgent octets stay in the stream, and the pointer is ignored.
 */
function checkUrgent(): boolean {
  return true;
}

/** Seventh, process the segment text. */
function processText(tcb: Tcb, segment: Segment, now: number): void {
  const { receiver, host } = tcb;
  if (!acceptsText(tcb.state)) return;
  if (segment.has(FIN)) receiver.noteFin(sequenceAdd(segment.segSeq, segment.payloadLength));
  if (segment.payloadLength === 0) {
    // Acknowledge the FIN immediately, even if it arrived after a gap.
    if (receiver.finSeen && segment.has(FIN)) receiver.ackNow = true;
    return;
  }
  const { bytes, payloadOffset, payloadLength, segSeq } = segment;
  const outcome = receiver.takeText(bytes, payloadOffset, payloadLength, segSeq);
  switch (outcome) {
    case 'in-order':
      receiver.scheduleAck(now);
      tcb.readableDue = true;
      break;
    case 'ahead':
      receiver.oweDuplicateAck();
      break;
    case 'nothing-new':
      receiver.ackNow = true;
      break;
    case 'too-many-ranges':
      host.drops.count('tcp-ranges');
      receiver.oweDuplicateAck();
      break;
    case 'no-memory':
      host.drops.count('tcp-memory');
      receiver.ackNow = true;
      break;
  }
}

/** Eighth, check the FIN bit. The FIN may have arrived earlier, before a gap was filled. */
function checkFin(tcb: Tcb, now: number): void {
  if (!acceptsText(tcb.state) || !tcb.receiver.reachFin()) return;
  tcb.receiver.ackNow = true;
  tcb.remoteClosedDue = true;
  if (tcb.state === 'ESTABLISHED') tcb.state = 'CLOSE-WAIT';
  else if (tcb.state === 'FIN-WAIT-1') tcb.state = 'CLOSING';
  else enterTimeWait(tcb, now);
}

function enterTimeWait(tcb: Tcb, now: number): void {
  tcb.state = 'TIME-WAIT';
  finish(tcb, 'normal');
  tcb.endOfStateAt = now + TIME_WAIT;
  tcb.host.enterTimeWait(tcb);
}
