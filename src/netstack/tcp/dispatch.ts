/** What a connection sends when the stack is drained. */
import { sequenceAdd } from '../../lib/sequence-number.js';
import { ACK, FIN, PSH, SYN } from '../../wire/tcp.js';
import { isHandshake } from './state.js';
import type { Tcb } from './tcb.js';
import { createSegment, sendAck } from './transmit.js';

/** RFC 9293 3.8.6.1: the interval between probes grows exponentially, here up to a minute. */
const MAXIMUM_PROBE_INTERVAL = 60_000;

/**
 * Emits what may be sent now, at most `quota` packets.
 * @returns how many were emitted; `quota` means that there may be more
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
    sender.synDue = false;
    const flags = tcb.state === 'SYN-SENT' ? SYN : SYN | ACK;
    tcb.host.emit(createSegment(tcb, sender.iss, flags, 0, now));
    sender.segmentSent(sender.iss, sequenceAdd(sender.iss, 1), now);
    return 1;
  }
  if (!receiver.ackNow || tcb.state === 'SYN-SENT') return 0;
  sendAck(tcb, now);
  return 1;
}

function dispatchSynchronized(tcb: Tcb, now: number, quota: number): number {
  const { sender, receiver } = tcb;
  let sent = 0;
  // Before any text: a segment with text is no duplicate ACK (RFC 5681 2).
  while (sent < quota && receiver.duplicateAcksOwed > 0) {
    receiver.duplicateAcksOwed--;
    sendAck(tcb, now);
    sent++;
  }
  if (tcb.probeDue && sent < quota) {
    tcb.probeDue = false;
    if (sender.planProbe()) {
      sendProbe(tcb, now);
      sent++;
    }
  }
  if (sender.hasUnsent) sender.noteIdle(now);
  while (sent < quota && sender.planSegment()) {
    sendPlanned(tcb, sender.headDue ? sender.sndUna : sender.sndRtx, now);
    sent++;
  }
  if (sent < quota && receiver.ackNow) {
    sendAck(tcb, now);
    sent++;
  }
  return sent;
}

function sendPlanned(tcb: Tcb, sequence: number, now: number): void {
  const { sender } = tcb;
  const { planLength, planFin } = sender;
  const dataEnd = sequenceAdd(sequence, planLength);
  let flags = ACK;
  if (planFin) flags |= FIN;
  // RFC 9293 3.9.1.2: PSH where the queue ends.
  if (planLength > 0 && dataEnd === sender.dataEnd) flags |= PSH;
  tcb.host.emit(createSegment(tcb, sequence, flags, planLength, now));
  if (sender.sndUna === sender.sndNxt) tcb.progressAt = now;
  sender.segmentSent(sequence, planFin ? sequenceAdd(dataEnd, 1) : dataEnd, now);
}

/**
 * RFC 9293 3.8.6.1: a zero window is probed with one octet of new data. It counts as lost at
 * once, so that sending goes on with it when the window opens. A window that is merely small is
 * used after all (3.8.6.2.1, the override timeout).
 */
function sendProbe(tcb: Tcb, now: number): void {
  const { sender } = tcb;
  const isBeyondWindow = sender.sndWnd - sender.flight <= 0;
  const { sndRtx } = sender;
  sendPlanned(tcb, sndRtx, now);
  if (isBeyondWindow) sender.sndRtx = sndRtx;
}

/**
 * The retransmission timer runs while something is in flight (RFC 6298 5.1 to 5.3), the persist
 * timer while something could be sent but for the peer's window, never both.
 */
export function armTimers(tcb: Tcb, now: number): void {
  const { sender } = tcb;
  if (sender.flight > 0) {
    tcb.persistAt = Infinity;
    if (tcb.retransmitAt === Infinity) tcb.retransmitAt = now + sender.rto.rto;
    return;
  }
  tcb.retransmitAt = Infinity;
  const isBlocked = !isHandshake(tcb.state) && sender.hasUnsent && !sender.planSegment();
  if (!isBlocked) {
    tcb.persistAt = Infinity;
    tcb.persistBackoff = 0;
  } else if (tcb.persistAt === Infinity && !tcb.probeDue) {
    if (sender.sndUna === sender.sndNxt) tcb.progressAt = now;
    tcb.persistAt =
      now + Math.min(MAXIMUM_PROBE_INTERVAL, sender.rto.rto * 2 ** tcb.persistBackoff);
  }
}
