/** Negotiates a connection's parameters in the handshake (RFC 9293 3.7.1, RFC 7323 2.3). */
import { TCP_HEADER_LENGTH } from '../../../wire/tcp.js';
import { defaultMss, TIMESTAMPS_LENGTH } from './options.js';
import type { Segment } from '../segment.js';
import type { Tcb } from '../tcb.js';

/** Processes the sequence number and the options of the peer's SYN. */
export function synchronize(tcb: Tcb, segment: Segment, now: number): void {
  const { sender, receiver } = tcb;
  const { options } = segment;
  receiver.synchronize(segment.segSeq);
  tcb.timestamps &&= options.hasTimestamps;
  if (tcb.timestamps) {
    tcb.tsRecent = options.tsVal;
    tcb.tsRecentAt = now;
  }
  // RFC 7323 2.3: window scaling is in use only if both SYNs carry the option.
  tcb.windowScale &&= options.windowShift >= 0;
  if (tcb.windowScale) {
    sender.shift = options.windowShift;
    receiver.shift = receiver.wantedShift;
  }
  // RFC 2018 2: SACK also requires the option in both SYNs.
  tcb.sack &&= options.sackPermitted;
  sender.usesSack = tcb.sack;
  receiver.usesSack = tcb.sack;
  applyMss(tcb, options.hasMss ? options.mss : defaultMss(tcb.remote.address));
  // Set the window that the local SYN advertises.
  receiver.advertise(0);
}

/**
 * Initializes a connection from a returned SYN cookie. The MSS is the only option of the peer's SYN
 * that the cookie preserves. The SYN-ACK was already sent.
 */
export function synchronizeByCookie(tcb: Tcb, irs: number, mss: number): void {
  const { sender, receiver } = tcb;
  receiver.synchronize(irs);
  tcb.timestamps = false;
  tcb.windowScale = false;
  tcb.sack = false;
  applyMss(tcb, mss);
  sender.synSentAsCookie();
  receiver.advertise(0);
}

/** Stores the peer's MSS and updates Eff.snd.MSS. */
export function applyMss(tcb: Tcb, mss: number): void {
  tcb.peerMss = mss;
  applyPathMtu(tcb);
}

/**
 * Sets Eff.snd.MSS (RFC 9293 3.7.1): the lower of the peer's MSS and the path's, minus the length
 * of the options.
 */
export function applyPathMtu(tcb: Tcb): void {
  const options = tcb.timestamps ? TIMESTAMPS_LENGTH : 0;
  const pathMtu = tcb.host.outbound.pathMtu(tcb.remote.address);
  const pathMss = pathMtu - tcb.header.length - TCP_HEADER_LENGTH;
  tcb.sender.setMss(Math.min(tcb.peerMss, pathMss) - options);
}

/** Enters ESTABLISHED, or FIN-WAIT-1 if the user has already closed the connection. */
export function becomeEstablished(tcb: Tcb, segment: Segment, now: number): void {
  const { sender } = tcb;
  tcb.state = sender.finQueued ? 'FIN-WAIT-1' : 'ESTABLISHED';
  tcb.endOfStateAt = Infinity;
  tcb.retransmitAt = Infinity;
  tcb.progressAt = now;
  // RFC 6928 2: ignore the first retransmission, since the initial RTO of 1 s may have caused it.
  if (sender.retransmits > 1) sender.congestion.handshakeRepeated();
  const shift = segment.hasSynWindow ? 0 : sender.shift;
  sender.updateWindow(segment.segWnd << shift, segment.segSeq, segment.segAck);
  if (tcb.keepAlive !== undefined) tcb.keepAliveAt = now + tcb.keepAlive.idle;
  tcb.acceptor?.leaveBacklog(tcb);
  tcb.establishedDue = true;
}

/** The RTT in ms from the echoed timestamp; -1 if the timestamp is missing or implausible. */
export function echoedRtt(tcb: Tcb, segment: Segment, now: number): number {
  if (!tcb.timestamps || !segment.options.hasTimestamps) return -1;
  const rtt = (tcb.timestamp(now) - segment.options.tsEcr) | 0;
  return rtt >= 0 && rtt <= tcb.userTimeout * 2 ? rtt : -1;
}
