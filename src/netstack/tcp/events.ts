/** Ends connections and notifies their observers of events. */
import { acceptsSend } from './state.js';
import type { CloseReason } from './observer.js';
import type { Tcb } from './tcb.js';

/**
 * writable() is called when this many octets of the send buffer are free, even if they are less
 * than a quarter of the buffer.
 */
const WORTH_A_CALL = 256 * 1024;

/** The number of octets that the send ring may hold, given the available memory. */
function sendCapacity(tcb: Tcb): number {
  const { ring, bufferLimit } = tcb.sender;
  return ring.canGrow ? bufferLimit : Math.min(bufferLimit, ring.capacity);
}

/** The number of octets that send() would accept. */
export function writableBytes(tcb: Tcb): number {
  if (!acceptsSend(tcb.state) || tcb.sender.finQueued) return 0;
  return Math.max(0, sendCapacity(tcb) - tcb.sender.ring.length);
}

/**
 * Schedules writable() after an ACK if a quarter of the buffer or 256 KiB is free. A lower
 * threshold would cause a call for each ACK. A large buffer contains little more than the data in
 * flight, so waiting until a quarter is free would stall the stream.
 */
export function noteWritable(tcb: Tcb): void {
  const worthwhile = Math.min(sendCapacity(tcb) / 4, WORTH_A_CALL);
  if (tcb.wantsWritable && writableBytes(tcb) >= worthwhile) tcb.writableDue = true;
}

/**
 * Ends the connection and removes it from the stack. Received data stays readable unless the user
 * aborted the connection.
 */
export function terminate(tcb: Tcb, reason: CloseReason): void {
  if (tcb.state === 'CLOSED') return;
  tcb.state = 'CLOSED';
  finish(tcb, reason);
  tcb.host.remove(tcb);
}

/** Ends the connection for the user, although the stack may keep it longer (TIME-WAIT). */
export function finish(tcb: Tcb, reason: CloseReason): void {
  tcb.stopTimers();
  tcb.sender.release();
  tcb.receiver.ranges.clear();
  tcb.receiver.selectiveAcks.clear();
  if (reason === 'aborted' || tcb.receiver.ring.length === 0) tcb.receiver.ring.release();
  else tcb.receiver.ring.detach();
  tcb.wantsWritable = false;
  tcb.writableDue = false;
  if (reason === 'aborted') {
    tcb.establishedDue = false;
    tcb.readableDue = false;
    tcb.remoteClosedDue = false;
  }
  tcb.acceptor?.leaveBacklog(tcb);
  tcb.closedDue ??= reason;
}

/** Delivers pending events to the observer, in the order in which a stream expects them. */
export function deliverEvents(tcb: Tcb): void {
  if (tcb.delivering) return;
  tcb.delivering = true;
  try {
    if (tcb.establishedDue && tcb.acceptor !== undefined) {
      tcb.observer = tcb.acceptor.accept(tcb);
      tcb.acceptor = undefined;
    }
    while (deliverOne(tcb));
    const { observer, closedDue } = tcb;
    if (observer !== undefined && closedDue !== undefined) {
      tcb.observer = undefined;
      observer.closed(closedDue);
    }
  } finally {
    tcb.delivering = false;
  }
}

function deliverOne(tcb: Tcb): boolean {
  const { observer } = tcb;
  if (observer === undefined) return false;
  if (tcb.establishedDue) {
    tcb.establishedDue = false;
    observer.established();
  } else if (tcb.readableDue) {
    tcb.readableDue = false;
    observer.readable();
  } else if (tcb.remoteClosedDue) {
    tcb.remoteClosedDue = false;
    observer.remoteClosed();
  } else if (tcb.writableDue) {
    tcb.writableDue = false;
    tcb.wantsWritable = false;
    observer.writable();
  } else {
    return false;
  }
  return true;
}
