/** A whole IP packet around one UDP payload, for either family. */
import { writeUint16 } from './bytes.js';
import { sumPseudoHeader } from './checksum.js';
import type { IpAddress, SocketAddress } from './ip-address.js';
import { createIpv4Header, finishIpv4Header, IPV4_HEADER_LENGTH, PROTOCOL_UDP } from './ipv4.js';
import { finishUdp, UDP_HEADER_LENGTH, writeUdpPorts } from './udp.js';

const IPV6_HEADER_LENGTH = 40;
const HOP_LIMIT = 64;

/** @throws RangeError where the addresses are not of one family, or the payload fits in no packet */
export function createUdpPacket(
  source: SocketAddress,
  destination: SocketAddress,
  payload: Uint8Array,
): Uint8Array {
  const isIpv4 = source.address.length === 4;
  if (source.address.length !== destination.address.length) {
    throw new RangeError('the addresses are of two families');
  }
  const headerLength = isIpv4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH;
  const udpLength = UDP_HEADER_LENGTH + payload.length;
  // IPv4's total length counts its header, IPv6's payload length does not.
  if (udpLength + (isIpv4 ? headerLength : 0) > 0xffff)
    throw new RangeError('the payload is too long');
  const packet = new Uint8Array(headerLength + udpLength);
  if (isIpv4) {
    packet.set(createIpv4Header(source.address, destination.address, PROTOCOL_UDP));
    finishIpv4Header(packet, 0, packet.length);
  } else {
    writeIpv6Header(packet, source.address, destination.address, udpLength);
  }
  writeUdpPorts(packet, headerLength, source.port, destination.port);
  packet.set(payload, headerLength + UDP_HEADER_LENGTH);
  const { address } = source;
  const pseudoSum = sumPseudoHeader(address, destination.address, PROTOCOL_UDP, udpLength);
  finishUdp(packet, headerLength, udpLength, pseudoSum);
  return packet;
}

/** RFC 8200 3: version, payload length, next header, hop limit, addresses. */
function writeIpv6Header(
  packet: Uint8Array,
  source: IpAddress,
  destination: IpAddress,
  payloadLength: number,
): void {
  packet[0] = 0x60;
  writeUint16(packet, 4, payloadLength);
  packet[6] = PROTOCOL_UDP;
  packet[7] = HOP_LIMIT;
  packet.set(source, 8);
  packet.set(destination, 24);
}
