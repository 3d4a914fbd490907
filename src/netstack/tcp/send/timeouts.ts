/** Handles a connection's timers when they expire. */
import { ACK } from '../../../wire/tcp.js';
import { sequenceAdd } from '../../../lib/sequence-number.js';
import { terminate } from '../events.js';
import { settle } from '../receive/segment-arrives.js';
import { isHandshake } from '../state.js';
import type { Tcb } from '../tcb.js';
import { createSegment } from './transmit.js';

/** Handles all timers that are due at `now`. */
export function handleTimeouts(tcb: Tcb, now: number): void {
  const { receiver } = tcb;
  if (tcb.endOfStateAt <= now) {
    // In TIME-WAIT, the observer has already received closed('normal'). In all other states, this
    // timer is the connect timeout.
    terminate(tcb, 'timeout');
  } else {
    if (receiver.delayedAckAt <= now) {
      receiver.delayedAckAt = Infinity;
      receiver.ackNow = true;
    }
    lookForWork(tcb, now);
    if (tcb.retransmitAt <= now) retransmit(tcb, now);
    if (tcb.persistAt <= now) probe(tcb, now);
    if (tcb.keepAliveAt <= now) keepAlive(tcb, now);
  }
  settle(tcb, now);
}

/** Handles the pacing timer, the reordering timer and the tail loss probe timer. */
function lookForWork(tcb: Tcb, now: number): void {
  const { sender } = tcb;
  if (sender.next.paceAt <= now) {
    sender.next.paceAt = Infinity;
    tcb.host.enqueue(tcb);
  }
  if (sender.recovery.reorderAt <= now) sender.reorderingTimedOut(now);
  if (tcb.probeAt <= now) {
    tcb.probeAt = Infinity;
    tcb.tailProbeDue = true;
    // RFC 8985 7.3: the retransmission timer restarts after the probe is sent.
    tcb.retransmitAt = Infinity;
  }
}

function retransmit(tcb: Tcb, now: number): void {
  const { sender } = tcb;
  tcb.retransmitAt = Infinity;
  if (isHandshake(tcb.state)) {
    sender.synDue = true;
    sender.roundTrips.synTimedOut();
  } else if (hasGivenUp(tcb, now)) {
    terminate(tcb, 'timeout');
    return;
  } else {
    sender.timedOut(now);
  }
  tcb.host.enqueue(tcb);
}

function probe(tcb: Tcb, now: number): void {
  tcb.persistAt = Infinity;
  if (hasGivenUp(tcb, now)) {
    terminate(tcb, 'timeout');
    return;
  }
  tcb.windowProbeDue = true;
  tcb.persistBackoff++;
  tcb.host.enqueue(tcb);
}

/** Whether the user timeout has passed: R2 of RFC 9293 3.8.3, expressed as a duration. */
function hasGivenUp(tcb: Tcb, now: number): boolean {
  return now - tcb.progressAt >= tcb.userTimeout;
}

/**
 * RFC 9293 3.8.4: a keep-alive probe is a segment without data, just below the window, so the peer
 * must answer it.
 */
function keepAlive(tcb: Tcb, now: number): void {
  const { keepAlive: option, sender } = tcb;
  tcb.keepAliveAt = Infinity;
  if (option === undefined || tcb.state === 'TIME-WAIT' || tcb.state === 'CLOSED') return;
  const idleEnd = tcb.heardAt + option.idle;
  // Send no probe yet: data in flight has its own timer, and newer activity moves the idle
  // deadline.
  if (tcb.keepAliveProbes === 0 && (idleEnd > now || sender.hasOutstanding)) {
    tcb.keepAliveAt = idleEnd > now ? idleEnd : now + option.interval;
    return;
  }
  if (tcb.keepAliveProbes >= option.count) {
    terminate(tcb, 'timeout');
    return;
  }
  tcb.keepAliveProbes++;
  tcb.keepAliveAt = now + option.interval;
  tcb.host.enqueuePacket(createSegment(tcb, sequenceAdd(sender.sndUna, -1), ACK, 0, now));
}
