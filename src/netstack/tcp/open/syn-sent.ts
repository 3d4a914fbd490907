/** SEGMENT ARRIVES in SYN-SENT (RFC 9293 3.10.7.3, step by step). */
import { sequenceAtOrBefore, sequenceBefore } from '../../../lib/sequence-number.js';
import { ACK, RST, SYN } from '../../../wire/tcp.js';
import { terminate } from '../events.js';
import { becomeEstablished, echoedRtt, synchronize } from './handshake.js';
import type { Segment } from '../segment.js';
import type { Tcb } from '../tcb.js';

export function arriveInSynSent(tcb: Tcb, segment: Segment, now: number): void {
  const { sender, host } = tcb;
  // First, check the ACK bit.
  const hasAck = segment.has(ACK);
  if (
    hasAck &&
    (sequenceAtOrBefore(segment.segAck, sender.iss) ||
      sequenceBefore(sender.sndNxt, segment.segAck))
  ) {
    host.drops.count('tcp-ack');
    if (!segment.has(RST)) host.refuse(tcb, segment, now);
    return;
  }
  // Second, check the RST bit. RFC 5961 3.2: an RST is acceptable only if it acknowledges the SYN.
  if (segment.has(RST)) {
    if (hasAck) terminate(tcb, 'refused');
    else host.drops.count('tcp-reset');
    return;
  }
  // Fourth, check the SYN bit. A segment without SYN is dropped.
  if (!segment.has(SYN)) {
    host.drops.count('tcp-state');
    return;
  }
  synchronize(tcb, segment, now);
  if (hasAck) {
    sender.acknowledgeSyn(echoedRtt(tcb, segment, now), now);
    becomeEstablished(tcb, segment, now);
    tcb.receiver.ackNow = true;
    return;
  }
  // Simultaneous open (RFC 9293 3.5, figure 7): send the SYN again, now with ACK.
  tcb.state = 'SYN-RECEIVED';
  sender.updateWindow(segment.segWnd, segment.segSeq, sender.iss);
  sender.synDue = true;
}
