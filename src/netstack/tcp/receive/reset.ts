import { PACKET_HEADROOM, type PacketSlots } from '../../../lib/packets/packet-slot.js';
import { sequenceAdd } from '../../../lib/sequence-number.js';
import {
  ACK,
  finishTcp,
  RST,
  TCP_HEADER_LENGTH,
  writeTcpControl,
  writeTcpNumbers,
  writeTcpPorts,
} from '../../../wire/tcp.js';
import type { IpHeader } from '../../ip/ip-header.js';
import { TIMESTAMPS_LENGTH, writeTimestamps } from '../open/options.js';
import type { Segment } from '../segment.js';

/** Builds an RST in reply to `segment`, which must not be an RST (RFC 9293 3.10.7.1). */
export function createReset(
  slots: PacketSlots,
  header: IpHeader,
  segment: Segment,
  timestamp: number,
): Uint8Array {
  const { hasTimestamps, tsVal: echo } = segment.options;
  const length = TCP_HEADER_LENGTH + (hasTimestamps ? TIMESTAMPS_LENGTH : 0);
  const slot = slots.allocate(header.length + length);
  const offset = PACKET_HEADROOM + header.length;
  header.write(slot, PACKET_HEADROOM, length);
  writeTcpPorts(slot, offset, segment.destinationPort, segment.sourcePort);
  if (segment.has(ACK)) {
    writeTcpNumbers(slot, offset, segment.segAck, 0);
    writeTcpControl(slot, offset, length, RST, 0);
  } else {
    writeTcpNumbers(slot, offset, 0, sequenceAdd(segment.segSeq, segment.segLen));
    writeTcpControl(slot, offset, length, RST | ACK, 0);
  }
  // RFC 7323 5.2: echo the timestamp so that the peer can distinguish this RST from a forged one.
  if (hasTimestamps) writeTimestamps(slot, offset + TCP_HEADER_LENGTH, timestamp, echo);
  finishTcp(slot, offset, length, header.pseudoSum(length));
  return slot;
}
