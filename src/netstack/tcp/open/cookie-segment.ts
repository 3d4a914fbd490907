import { PACKET_HEADROOM, type PacketSlots } from '../../../lib/packets/packet-slot.js';
import { sequenceAdd } from '../../../lib/sequence-number.js';
import {
  ACK,
  finishTcp,
  SYN,
  TCP_HEADER_LENGTH,
  writeTcpControl,
  writeTcpNumbers,
  writeTcpPorts,
} from '../../../wire/tcp.js';
import type { IpHeader } from '../../ip/ip-header.js';
import { type SynOptions, synOptionsLength, writeSynOptions } from './options.js';
import type { Segment } from '../segment.js';

/** The largest window without scaling. A cookie cannot store a window shift. */
export const COOKIE_WINDOW = 0xffff;

/** Builds a SYN-ACK with a cookie as its sequence number and MSS as its only option. */
export function createCookieSegment(
  slots: PacketSlots,
  header: IpHeader,
  syn: Segment,
  cookie: number,
  mss: number,
): Uint8Array {
  const options: SynOptions = { mss, windowShift: -1, sackPermitted: false };
  const length = TCP_HEADER_LENGTH + synOptionsLength(options);
  const slot = slots.allocate(header.length + length);
  const offset = PACKET_HEADROOM + header.length;
  header.write(slot, PACKET_HEADROOM, length);
  writeTcpPorts(slot, offset, syn.destinationPort, syn.sourcePort);
  writeTcpNumbers(slot, offset, cookie, sequenceAdd(syn.segSeq, 1));
  writeTcpControl(slot, offset, length, SYN | ACK, COOKIE_WINDOW);
  writeSynOptions(slot, offset + TCP_HEADER_LENGTH, options);
  finishTcp(slot, offset, length, header.pseudoSum(length));
  return slot;
}
