/** The end of a connection, and telling its observer what happened. */
import { acceptsSend } from './state.js';
import type { CloseReason } from './observer.js';
import type { Tcb } from './tcb.js';

/** Free bytes of a send buffer, however large, of which the user is told. */
const WORTH_A_CALL = 256 * 1024;

/** Bytes that the send ring can hold as things are, unless memory is short. */
function sendCapacity(tcb: Tcb): number {
  const { ring, bufferLimit } = tcb.sender;
  return ring.canGrow ? bufferLimit : Math.min(bufferLimit, ring.capacity);
}

/** Bytes that send() would take. */
export function writableBytes(tcb: Tcb): number {
  if (!acceptsSend(tcb.state) || tcb.sender.finQueued) return 0;
  return Math.max(0, sendCapacity(tcb) - tcb.sender.ring.length);
}

/**
 * After an ACK made room: a quarter free is worth a call, less would cost one for each ACK. A large
 * buffer holds little more than what is on the way: waiting for a quarter of it would stop the stream.
 */
export function noteWritable(tcb: Tcb): void {
  const worthwhile = Math.min(sendCapacity(tcb) / 4, WORTH_A_CALL);
  if (tcb.wantsWritable && writableBytes(tcb) >= worthwhile) tcb.writableDue = true;
}

/**
 * Ends the connection and takes it out of the stack. What was received stays readable, unless the
 * user himself aborted.
 */
export function terminate(tcb: Tcb, reason: CloseReason): void {
  if (tcb.state === 'CLOSED') return;
  tcb.state = 'CLOSED';
  finish(tcb, reason);
  tcb.host.remove(tcb);
}

/** All is said and acknowledged: the user is done with the connection, the stack not yet. */
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

/** Tells the observer what is due, in an order that a stream can follow. */
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
