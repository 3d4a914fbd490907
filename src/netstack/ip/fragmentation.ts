/** Fragments a packet that exceeds its path MTU (RFC 791 3.2, RFC 8200 4.5). */
import { PACKET_HEADROOM, packetInSlot, type PacketSlots } from '../../lib/packets/packet-slot.js';
import {
  finishIpv4Header,
  IPV4_HEADER_LENGTH,
  ipVersion,
  writeIpv4Fragment,
} from '../../wire/ipv4.js';
import {
  finishIpv6Header,
  FRAGMENT_HEADER,
  FRAGMENT_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  IPV6_NEXT_HEADER,
  writeFragmentHeader,
} from '../../wire/ipv6.js';

/**
 * Splits a packet into fragments.
 *
 * @param slot a locally created packet, without IP options or extension headers
 * @param identification unique among the flow's packets during their lifetime; IPv4 uses 16 bits
 */
export function fragment(
  slot: Uint8Array,
  mtu: number,
  identification: number,
  slots: PacketSlots,
): Uint8Array[] {
  const packet = packetInSlot(slot);
  const isIpv6 = ipVersion(packet, 0) === 6;
  const from = isIpv6 ? IPV6_HEADER_LENGTH : IPV4_HEADER_LENGTH;
  const headerLength = isIpv6 ? from + FRAGMENT_HEADER_LENGTH : from;
  const step = (mtu - headerLength) & ~7;
  const fragments: Uint8Array[] = [];
  for (let start = 0; start < packet.length - from; start += step) {
    const data = packet.subarray(from + start, from + start + step);
    const more = from + start + step < packet.length;
    const piece = slots.allocate(headerLength + data.length);
    const at = PACKET_HEADROOM;
    piece.set(packet.subarray(0, from), at);
    if (isIpv6) {
      piece[at + IPV6_NEXT_HEADER] = FRAGMENT_HEADER;
      const next = packet[IPV6_NEXT_HEADER]!;
      writeFragmentHeader(piece, at + from, next, { start, more }, identification);
      finishIpv6Header(piece, at, FRAGMENT_HEADER_LENGTH + data.length);
    } else {
      writeIpv4Fragment(piece, at, { start, more }, identification);
      finishIpv4Header(piece, at, headerLength + data.length);
    }
    piece.set(data, at + headerLength);
    fragments.push(piece);
  }
  return fragments;
}
