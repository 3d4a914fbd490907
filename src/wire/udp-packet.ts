/** Builds a whole IPv4 or IPv6 packet around a UDP payload. */
import { sumPseudoHeader } from './checksum.js';
import type { SocketAddress } from './ip-address.js';
import { createIpv4Header, finishIpv4Header, IPV4_HEADER_LENGTH, PROTOCOL_UDP } from './ipv4.js';
import { createIpv6Header, finishIpv6Header, IPV6_HEADER_LENGTH } from './ipv6.js';
import { finishUdp, UDP_HEADER_LENGTH, writeUdpPorts } from './udp.js';

/** @throws RangeError if the addresses differ in family, or the payload is too long */
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
  // IPv4's total length includes the IP header; IPv6's payload length does not.
  if (udpLength + (isIpv4 ? headerLength : 0) > 0xffff)
    throw new RangeError('the payload is too long');
  const packet = new Uint8Array(headerLength + udpLength);
  if (isIpv4) {
    packet.set(createIpv4Header(source.address, destination.address, PROTOCOL_UDP));
    finishIpv4Header(packet, 0, packet.length);
  } else {
    packet.set(createIpv6Header(source.address, destination.address, PROTOCOL_UDP, 0));
    finishIpv6Header(packet, 0, udpLength);
  }
  writeUdpPorts(packet, headerLength, source.port, destination.port);
  packet.set(payload, headerLength + UDP_HEADER_LENGTH);
  const { address } = source;
  const pseudoSum = sumPseudoHeader(address, destination.address, PROTOCOL_UDP, udpLength);
  finishUdp(packet, headerLength, udpLength, pseudoSum);
  return packet;
}
