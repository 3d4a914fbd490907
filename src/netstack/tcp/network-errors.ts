/**
 * What ICMP has to say to a connection: RFC 5461, RFC 1191 6.4, RFC 8201 5.4. It is easily
 * forged; RFC 5927 says what to believe.
 */
import { sequenceAtOrBefore, sequenceBefore } from '../../lib/sequence-number.js';
import { terminate } from './events.js';
import { applyPathMtu } from './open/handshake.js';
import { settle } from './receive/segment-arrives.js';
import { isHandshake } from './state.js';
import type { Tcb } from './tcb.js';

/** RFC 5927 4.1: only a segment that we have sent and that is not acknowledged can be quoted. */
export function isInFlight(tcb: Tcb, sequence: number): boolean {
  const { sndUna, sndNxt } = tcb.sender;
  return sequenceAtOrBefore(sndUna, sequence) && sequenceBefore(sequence, sndNxt);
}

/**
 * RFC 5461 4.1: an error in answer to a SYN ends the attempt, lest the user waits for nothing.
 * RFC 5927 5.2: an established connection outlives it; its own timers decide.
 */
export function destinationUnreachable(tcb: Tcb, now: number): void {
  if (tcb.state !== 'SYN-SENT') return;
  terminate(tcb, 'unreachable');
  settle(tcb, now);
}

/** The path's MTU has changed: what was too big for it goes out again in smaller pieces. */
export function pathMtuChanged(tcb: Tcb, now: number): void {
  if (tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') return;
  const before = tcb.sender.mss;
  applyPathMtu(tcb);
  if (tcb.sender.mss >= before || isHandshake(tcb.state)) return;
  tcb.sender.sendAgain();
  settle(tcb, now);
}
