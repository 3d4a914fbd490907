/**
 * Handles ICMP errors for a connection (RFC 5461, RFC 1191 6.4, RFC 8201 5.4). ICMP errors are
 * easily forged; RFC 5927 defines which ones to trust.
 */
import { sequenceAtOrBefore, sequenceBefore } from '../../lib/sequence-number.js';
import { terminate } from './events.js';
import { applyPathMtu } from './open/handshake.js';
import { settle } from './receive/segment-arrives.js';
import { isHandshake } from './state.js';
import type { Tcb } from './tcb.js';

/** RFC 5927 4.1: a valid ICMP error quotes a segment that was sent but not yet acknowledged. */
export function isInFlight(tcb: Tcb, sequence: number): boolean {
  const { sndUna, sndNxt } = tcb.sender;
  return sequenceAtOrBefore(sndUna, sequence) && sequenceBefore(sequence, sndNxt);
}

/**
 * RFC 5461 4.1: an error in response to a SYN ends the attempt immediately. RFC 5927 5.2: an
 * established connection continues until its own timers expire.
 */
export function destinationUnreachable(tcb: Tcb, now: number): void {
  if (tcb.state !== 'SYN-SENT') return;
  terminate(tcb, 'unreachable');
  settle(tcb, now);
}

/**
 * Handles a path MTU change. Data in flight that exceeds the new MTU is resent in smaller segments.
 */
export function pathMtuChanged(tcb: Tcb, now: number): void {
  if (tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') return;
  const before = tcb.sender.mss;
  applyPathMtu(tcb);
  if (tcb.sender.mss >= before || isHandshake(tcb.state)) return;
  tcb.sender.sendAgain();
  settle(tcb, now);
}
