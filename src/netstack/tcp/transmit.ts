/** Makes the segments of a connection. */
import { PACKET_HEADROOM } from '../../lib/packet-slot.js';
import {
  ACK,
  finishTcp,
  SYN,
  TCP_HEADER_LENGTH,
  writeTcpControl,
  writeTcpNumbers,
  writeTcpPorts,
} from '../../wire/tcp.js';
import {
  synOptionsLength,
  TIMESTAMPS_LENGTH,
  writeSynOptions,
  writeTimestamps,
} from './options.js';
import type { Tcb } from './tcb.js';

/**
 * A segment in a packet slot.
 *
 * @param sequence its SEG.SEQ; text is taken from the send ring at that place
 * @param flags ACK carries our window and settles what the receiver owes
 * @param length bytes of text
 */
export function createSegment(
  tcb: Tcb,
  sequence: number,
  flags: number,
  length: number,
  now: number,
): Uint8Array {
  const { header, sender, receiver } = tcb;
  const isSyn = (flags & SYN) !== 0;
  const tcpLength = TCP_HEADER_LENGTH + optionsLength(tcb, isSyn);
  const slot = tcb.host.slots.allocate(header.length + tcpLength + length);
  const offset = PACKET_HEADROOM + header.length;
  header.write(slot, PACKET_HEADROOM, tcpLength + length);
  writeTcpPorts(slot, offset, tcb.local.port, tcb.remote.port);
  const acknowledges = (flags & ACK) !== 0;
  writeTcpNumbers(slot, offset, sequence, acknowledges ? receiver.rcvNxt : 0);
  // RFC 7323 2.2: the window field of a SYN is never scaled.
  const window = receiver.advertise(isSyn ? 0 : receiver.shift);
  writeTcpControl(slot, offset, tcpLength, flags, window);
  writeOptions(tcb, slot, offset + TCP_HEADER_LENGTH, isSyn, now);
  if (length > 0) {
    sender.ring.copyTo(sender.ringOffset(sequence), length, slot, offset + tcpLength);
  }
  finishTcp(slot, offset, tcpLength + length, header.pseudoSum(tcpLength + length));
  if (acknowledges) receiver.ackSent();
  return slot;
}

function optionsLength(tcb: Tcb, isSyn: boolean): number {
  if (isSyn) return synOptionsLength(tcb.windowScale, tcb.timestamps);
  return tcb.timestamps ? TIMESTAMPS_LENGTH : 0;
}

function writeOptions(
  tcb: Tcb,
  slot: Uint8Array,
  offset: number,
  isSyn: boolean,
  now: number,
): void {
  let at = offset;
  if (isSyn) {
    const shift = tcb.windowScale ? tcb.receiver.wantedShift : -1;
    at = writeSynOptions(slot, at, tcb.mss, shift);
  }
  if (tcb.timestamps) writeTimestamps(slot, at, tcb.timestamp(now), tcb.tsRecent);
}

/** Sends an ACK without text now. */
export function sendAck(tcb: Tcb, now: number): void {
  tcb.host.emit(createSegment(tcb, tcb.sender.sndNxt, ACK, 0, now));
}
