/** Sends a connection's segments when the stack is drained. */
import { sequenceAdd } from '../../lib/sequence-number.js';
import { ACK, FIN, PSH, SYN } from '../../wire/tcp.js';
import { isHandshake } from './state.js';
import type { Tcb } from './tcb.js';
import { createSegment, sendAck } from './send/transmit.js';

/** RFC 9293 3.8.6.1: the interval between window probes grows exponentially, here up to 60 s. */
const MAXIMUM_PROBE_INTERVAL = 60_000;

/**
 * Emits at most `quota` of the segments that may be sent now.
 *
 * @returns the number of segments emitted; if it equals `quota`, more may be waiting
 */
export function dispatch(tcb: Tcb, now: number, quota: number): number {
  if (tcb.state === 'CLOSED') return 0;
  const sent = isHandshake(tcb.state)
    ? dispatchSyn(tcb, now)
    : dispatchSynchronized(tcb, now, quota);
  armTimers(tcb, now);
  tcb.updateDeadline();
  return sent;
}

function dispatchSyn(tcb: Tcb, now: number): number {
  const { sender, receiver } = tcb;
  if (sender.synDue) {
    const flags = tcb.state === 'SYN-SENT' ? SYN : SYN | ACK;
    const slot = createSegment(tcb, sender.iss, flags, 0, now);
    if (sender.sndNxt !== sender.iss) tcb.host.countRetransmission(slot);
    tcb.host.emit(slot);
    sender.synSent(now);
    return 1;
  }
  if (!receiver.ackNow || tcb.state === 'SYN-SENT') return 0;
  sendAck(tcb, now);
  return 1;
}

function dispatchSynchronized(tcb: Tcb, now: number, quota: number): number {
  const { receiver } = tcb;
  let sent = 0;
  // Send duplicate ACKs before data: a segment with data is not a duplicate ACK (RFC 5681 2).
  while (sent < quota && receiver.duplicateAcksOwed > 0) {
    receiver.duplicateAcksOwed--;
    sendAck(tcb, now);
    sent++;
  }
  sent += dispatchProbes(tcb, now, quota - sent);
  sent += dispatchText(tcb, now, quota - sent);
  if (sent < quota && receiver.ackNow) {
    sendAck(tcb, now);
    sent++;
  }
  return sent;
}

function dispatchProbes(tcb: Tcb, now: number, quota: number): number {
  const { sender } = tcb;
  if (quota === 0) return 0;
  if (tcb.windowProbeDue) {
    tcb.windowProbeDue = false;
    if (!sender.next.chooseWindowProbe()) return 0;
    sendWindowProbe(tcb, now);
    return 1;
  }
  if (!tcb.tailProbeDue) return 0;
  tcb.tailProbeDue = false;
  if (!sender.recovery.mayProbe || !sender.next.chooseTailProbe()) return 0;
  const isRetransmission = sender.next.segment !== undefined;
  emitNext(tcb, now);
  sender.sent(now);
  sender.recovery.probe.sent(sender.next.end, isRetransmission);
  // RFC 8985 7.3: restart the retransmission timer.
  tcb.retransmitAt = Infinity;
  return 1;
}

function dispatchText(tcb: Tcb, now: number, quota: number): number {
  const { sender } = tcb;
  let sent = 0;
  if (sender.hasUnsent) sender.noteIdle(now);
  while (sent < quota && sender.next.choose(now)) {
    emitNext(tcb, now);
    if (!sender.hasOutstanding) tcb.progressAt = now;
    // Restart the timer when the first segment is retransmitted, because its ACK takes another
    // round trip. Because the minimum RTO is 200 ms instead of RFC 6298's 1 s, the running timer
    // would often expire before that ACK arrives.
    if (sender.next.segment === sender.segments.head) tcb.retransmitAt = Infinity;
    sender.sent(now);
    sent++;
  }
  if (sent > 0) tcb.probeAt = Infinity;
  if (sent < quota) sender.noteUserLimit();
  else if (sender.next.choose(now)) sender.pacer.interrupted();
  return sent;
}

function emitNext(tcb: Tcb, now: number): void {
  const { sender } = tcb;
  const { start, length, hasFin } = sender.next;
  let flags = ACK;
  if (hasFin) flags |= FIN;
  // RFC 9293 3.9.1.2: set PSH on the last segment in the queue.
  if (length > 0 && sequenceAdd(start, length) === sender.dataEnd) flags |= PSH;
  const slot = createSegment(tcb, start, flags, length, now);
  if (sender.next.segment !== undefined) tcb.host.countRetransmission(slot);
  tcb.host.emit(slot);
}

/**
 * RFC 9293 3.8.6.1: probes a zero window with one octet of new data. If the window is merely small,
 * sends a regular segment that fits (3.8.6.2.1, the override timeout).
 */
function sendWindowProbe(tcb: Tcb, now: number): void {
  const { sender } = tcb;
  emitNext(tcb, now);
  if (sender.sndWnd - sender.flightSize <= 0) sender.windowProbeSent();
  else sender.sent(now);
}

/**
 * Sets the timers. The retransmission timer runs while segments are in flight (RFC 6298 5.1 to
 * 5.3). The persist timer runs while only the peer's window prevents sending. The two timers never
 * run at the same time.
 */
export function armTimers(tcb: Tcb, now: number): void {
  const { sender } = tcb;
  if (sender.hasOutstanding) {
    tcb.persistAt = Infinity;
    if (tcb.retransmitAt === Infinity) tcb.retransmitAt = now + sender.rto;
    armTailProbe(tcb, now);
    return;
  }
  tcb.retransmitAt = Infinity;
  tcb.probeAt = Infinity;
  const isBlocked =
    !isHandshake(tcb.state) &&
    sender.hasUnsent &&
    !sender.next.choose(now) &&
    sender.next.paceAt === Infinity;
  if (!isBlocked) {
    tcb.persistAt = Infinity;
    tcb.persistBackoff = 0;
  } else if (tcb.persistAt === Infinity && !tcb.windowProbeDue) {
    if (sender.sndUna === sender.sndNxt) tcb.progressAt = now;
    tcb.persistAt = now + Math.min(MAXIMUM_PROBE_INTERVAL, sender.rto * 2 ** tcb.persistBackoff);
  }
}

/** RFC 8985 7.2: schedules the tail loss probe no later than the retransmission timeout. */
function armTailProbe(tcb: Tcb, now: number): void {
  const { sender } = tcb;
  if (tcb.probeAt !== Infinity || tcb.tailProbeDue || !sender.recovery.mayProbe) return;
  const timeout = sender.recovery.probe.timeout(sender.srtt, sender.rto, sender.segments.size);
  tcb.probeAt = Math.min(now + timeout, tcb.retransmitAt);
}
