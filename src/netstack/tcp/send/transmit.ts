/** Builds the segments of a connection. */
import { PACKET_HEADROOM } from '../../../lib/packets/packet-slot.js';
import {
  ACK,
  finishTcp,
  SYN,
  TCP_HEADER_LENGTH,
  writeTcpControl,
  writeTcpNumbers,
  writeTcpPorts,
} from '../../../wire/tcp.js';
import {
  SACK_BLOCKS,
  sackLength,
  type SynOptions,
  synOptionsLength,
  TIMESTAMPS_LENGTH,
  writeSackBlock,
  writeSackPrefix,
  writeSynOptions,
  writeTimestamps,
} from '../open/options.js';
import type { Tcb } from '../tcb.js';

/**
 * Builds a segment in a packet slot.
 *
 * @param sequence SEG.SEQ; the data at this position of the send ring is sent
 * @param flags if they include ACK, the segment also satisfies any pending ACK
 * @param length the number of data octets
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
  const acknowledges = (flags & ACK) !== 0;
  // Only segments without data carry SACK blocks. RFC 2018 also allows SACK blocks with data, but a
  // segment may hold Eff.snd.MSS octets of data, which leaves no room for the blocks.
  const blocks = acknowledges && !isSyn && length === 0 ? sackBlocks(tcb) : 0;
  const tcpLength = TCP_HEADER_LENGTH + optionsLength(tcb, isSyn) + sackLength(blocks);
  const slot = tcb.host.slots.allocate(header.length + tcpLength + length);
  const offset = PACKET_HEADROOM + header.length;
  header.write(slot, PACKET_HEADROOM, tcpLength + length);
  writeTcpPorts(slot, offset, tcb.local.port, tcb.remote.port);
  writeTcpNumbers(slot, offset, sequence, acknowledges ? receiver.rcvNxt : 0);
  // RFC 7323 2.2: the window field of a SYN is never scaled.
  const window = receiver.advertise(isSyn ? 0 : receiver.shift);
  writeTcpControl(slot, offset, tcpLength, flags, window);
  const behind = writeOptions(tcb, slot, offset + TCP_HEADER_LENGTH, isSyn, now);
  if (blocks > 0) writeSack(tcb, slot, behind, blocks);
  if (length > 0) {
    sender.ring.copyTo(sender.ringOffset(sequence), length, slot, offset + tcpLength);
  }
  finishTcp(slot, offset, tcpLength + length, header.pseudoSum(tcpLength + length));
  if (acknowledges) {
    sender.unread.segmentSent(sequence, length, receiver.rcvNxt, now);
    receiver.ackSent();
  }
  return slot;
}

function optionsLength(tcb: Tcb, isSyn: boolean): number {
  const timestamps = tcb.timestamps ? TIMESTAMPS_LENGTH : 0;
  return isSyn ? synOptionsLength(synOptions(tcb)) + timestamps : timestamps;
}

function synOptions(tcb: Tcb): SynOptions {
  const windowShift = tcb.windowScale ? tcb.receiver.wantedShift : -1;
  return { mss: tcb.mss, windowShift, sackPermitted: tcb.sack };
}

/** The number of SACK blocks in the ACK being sent. */
function sackBlocks({ receiver }: Tcb): number {
  return receiver.usesSack ? Math.min(SACK_BLOCKS, receiver.selectiveAcks.count) : 0;
}

/** Writes the segment's options, and the SYN options if `isSyn`; returns the offset after them. */
function writeOptions(
  tcb: Tcb,
  slot: Uint8Array,
  offset: number,
  isSyn: boolean,
  now: number,
): number {
  const at = isSyn ? writeSynOptions(slot, offset, synOptions(tcb)) : offset;
  return tcb.timestamps ? writeTimestamps(slot, at, tcb.timestamp(now), tcb.tsRecent) : at;
}

function writeSack(tcb: Tcb, slot: Uint8Array, offset: number, blocks: number): void {
  let at = writeSackPrefix(slot, offset, blocks);
  tcb.receiver.selectiveAcks.tell(blocks, (start, end) => {
    at = writeSackBlock(slot, at, start, end);
  });
}

export function sendAck(tcb: Tcb, now: number): void {
  tcb.host.emit(createSegment(tcb, tcb.sender.sndNxt, ACK, 0, now));
}
