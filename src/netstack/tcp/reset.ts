import { PACKET_HEADROOM, type PacketSlots } from '../../lib/packet-slot.js';
import { sequenceAdd } from '../../lib/sequence-number.js';
import {
  ACK,
  finishTcp,
  RST,
  TCP_HEADER_LENGTH,
  writeTcpControl,
  writeTcpNumbers,
  writeTcpPorts,
} from '../../wire/tcp.js';
import type { IpHeader } from '../ip/ip-header.js';
import type { Segment } from './segment.js';

/**
 * The RST that answers a segment for which there is no connection: RFC 9293 3.10.7.1. The caller
 * makes sure that `segment` is no RST itself.
 */
export function createReset(slots: PacketSlots, header: IpHeader, segment: Segment): Uint8Array {
  const slot = slots.allocate(header.length + TCP_HEADER_LENGTH);
  const offset = PACKET_HEADROOM + header.length;
  header.write(slot, PACKET_HEADROOM, TCP_HEADER_LENGTH);
  writeTcpPorts(slot, offset, segment.destinationPort, segment.sourcePort);
  if (segment.has(ACK)) {
    writeTcpNumbers(slot, offset, segment.segAck, 0);
    writeTcpControl(slot, offset, TCP_HEADER_LENGTH, RST, 0);
  } else {
    writeTcpNumbers(slot, offset, 0, sequenceAdd(segment.segSeq, segment.segLen));
    writeTcpControl(slot, offset, TCP_HEADER_LENGTH, RST | ACK, 0);
  }
  finishTcp(slot, offset, TCP_HEADER_LENGTH, header.pseudoSum(TCP_HEADER_LENGTH));
  return slot;
}
