/**
 * What a kernel leaves to the network card, done here: packets of up to 64 KiB cut into segments, and
 * checksums completed. Each packet that comes out stands in a slot for WireGuard.
 */
import { PACKET_HEADROOM, type PacketSlots } from '../../lib/packet-slot.js';
import { readInt32, readUint16, writeInt32, writeUint16 } from '../../wire/bytes.js';
import { finishChecksum, sumBytes } from '../../wire/checksum.js';
import {
  finishIpv4Header,
  IPV4_HEADER_LENGTH,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../wire/ipv4.js';
import { finishIpv6Header, IPV6_HEADER_LENGTH } from '../../wire/ipv6.js';
import { FIN, PSH, TCP_HEADER_LENGTH } from '../../wire/tcp.js';
import { UDP_HEADER_LENGTH } from '../../wire/udp.js';
import {
  GSO_ECN,
  GSO_NONE,
  GSO_TCP4,
  GSO_TCP6,
  GSO_UDP,
  NEEDS_CHECKSUM,
  readVirtioNetHeader,
  VIRTIO_NET_HEADER_LENGTH,
  type VirtioNetHeader,
} from '../../wire/virtio-net.js';

/** RFC 3168 6.1.2: the sender has reduced its window. */
const CWR = 0x80;

/** Where the fields of the two transports stand, from the beginning of their header. */
const TCP_SEQUENCE = 4;
const TCP_DATA_OFFSET = 12;
const TCP_FLAGS = 13;
const TCP_CHECKSUM = 16;
const UDP_LENGTH = 4;
const UDP_CHECKSUM = 6;

const IPV4_IDENTIFICATION = 4;

/** The addresses of a packet, source before destination. */
const ADDRESSES = { 4: { offset: 12, length: 8 }, 6: { offset: 8, length: 32 } };

/**
 * Takes one frame of a tun device: a virtio_net_hdr and a packet. The bytes are not kept.
 *
 * @returns false where the frame is none that Linux writes: nothing is emitted then
 */
export function segment(
  frame: Uint8Array,
  slots: PacketSlots,
  emit: (slot: Uint8Array) => void,
): boolean {
  const version =
    frame.length > VIRTIO_NET_HEADER_LENGTH ? frame[VIRTIO_NET_HEADER_LENGTH]! >> 4 : 0;
  if (version !== 4 && version !== 6) return false;
  const header = readVirtioNetHeader(frame);
  const packet = frame.subarray(VIRTIO_NET_HEADER_LENGTH);
  if (packet.length < (version === 4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH)) return false;
  switch (header.gsoType & ~GSO_ECN) {
    case GSO_NONE:
      return copyWhole(packet, header, slots, emit);
    case GSO_TCP4:
    case GSO_TCP6:
      return cutTcp({ packet, version, header, slots, emit });
    case GSO_UDP:
      return cutUdp({ packet, version, header, slots, emit });
    default:
      return false;
  }
}

interface Cut {
  readonly packet: Uint8Array;
  readonly version: 4 | 6;
  readonly header: VirtioNetHeader;
  readonly slots: PacketSlots;
  readonly emit: (slot: Uint8Array) => void;
}

function copyWhole(
  packet: Uint8Array,
  { flags, checksumStart, checksumOffset }: VirtioNetHeader,
  slots: PacketSlots,
  emit: (slot: Uint8Array) => void,
): boolean {
  const needsChecksum = (flags & NEEDS_CHECKSUM) !== 0;
  const field = checksumStart + checksumOffset;
  if (needsChecksum && field + 2 > packet.length) return false;
  const slot = slots.allocate(packet.length);
  slot.set(packet, PACKET_HEADROOM);
  if (needsChecksum) {
    // The field holds the sum of the pseudo header, which belongs into the sum of the whole.
    const start = PACKET_HEADROOM + checksumStart;
    const sum = sumBytes(slot, start, packet.length - checksumStart);
    // As Linux does for all protocols; RFC 768 asks for it in UDP, and to the others it is the same.
    writeUint16(slot, PACKET_HEADROOM + field, finishChecksum(sum) || 0xffff);
  }
  emit(slot);
  return true;
}

function cutTcp(cut: Cut): boolean {
  const { packet, version, header } = cut;
  const transport = header.checksumStart;
  if (transport < headerFloor(version) || transport + TCP_HEADER_LENGTH > packet.length)
    return false;
  // The length in virtio_net_hdr is that of the first fragment where the kernel has forwarded it.
  const tcpHeaderLength = (packet[transport + TCP_DATA_OFFSET]! >> 4) * 4;
  const payload = transport + tcpHeaderLength;
  if (tcpHeaderLength < TCP_HEADER_LENGTH || payload >= packet.length) return false;
  if (header.gsoSize === 0) return false;
  const sequence = readInt32(packet, transport + TCP_SEQUENCE);
  const flags = packet[transport + TCP_FLAGS]!;
  const addressSum = sumAddresses(packet, version);
  forEachSegment(cut, payload, (slot, from, length, isLast) => {
    const tcp = PACKET_HEADROOM + transport;
    writeInt32(slot, tcp + TCP_SEQUENCE, sequence + from);
    // RFC 9293: FIN and PSH belong to the last octet; RFC 3168 6.1.2: CWR to the first segment.
    const notHere = (isLast ? 0 : FIN | PSH) | (from === 0 ? 0 : CWR);
    slot[tcp + TCP_FLAGS] = flags & ~notHere;
    writeUint16(slot, tcp + TCP_CHECKSUM, 0);
    const size = tcpHeaderLength + length;
    const sum = addressSum + PROTOCOL_TCP + size + sumBytes(slot, tcp, size);
    writeUint16(slot, tcp + TCP_CHECKSUM, finishChecksum(sum));
  });
  return true;
}

function cutUdp(cut: Cut): boolean {
  const { packet, version, header } = cut;
  const transport = header.checksumStart;
  const payload = transport + UDP_HEADER_LENGTH;
  if (transport < headerFloor(version) || payload >= packet.length) return false;
  if (header.gsoSize === 0) return false;
  const addressSum = sumAddresses(packet, version);
  forEachSegment(cut, payload, (slot, _from, length) => {
    const udp = PACKET_HEADROOM + transport;
    const size = UDP_HEADER_LENGTH + length;
    writeUint16(slot, udp + UDP_LENGTH, size);
    writeUint16(slot, udp + UDP_CHECKSUM, 0);
    const sum = addressSum + PROTOCOL_UDP + size + sumBytes(slot, udp, size);
    // RFC 768: a checksum that comes out as zero is sent as all ones.
    writeUint16(slot, udp + UDP_CHECKSUM, finishChecksum(sum) || 0xffff);
  });
  return true;
}

/**
 * Emits the packets, whose IP headers are finished behind `finish`.
 *
 * @param payload where the payload begins
 * @param finish completes the transport header; `from` and `length` are those of its payload
 */
function forEachSegment(
  { packet, version, header, slots, emit }: Cut,
  payload: number,
  finish: (slot: Uint8Array, from: number, length: number, isLast: boolean) => void,
): void {
  const total = packet.length - payload;
  const headers = packet.subarray(0, payload);
  const identification = readUint16(packet, IPV4_IDENTIFICATION);
  let index = 0;
  for (let from = 0; from < total; from += header.gsoSize) {
    const length = Math.min(header.gsoSize, total - from);
    const slot = slots.allocate(payload + length);
    slot.set(headers, PACKET_HEADROOM);
    const start = payload + from;
    slot.set(packet.subarray(start, start + length), PACKET_HEADROOM + payload);
    finish(slot, from, length, from + length === total);
    if (version === 4) {
      writeUint16(slot, PACKET_HEADROOM + IPV4_IDENTIFICATION, identification + index);
      finishIpv4Header(slot, PACKET_HEADROOM, payload + length);
    } else {
      finishIpv6Header(slot, PACKET_HEADROOM, payload + length - IPV6_HEADER_LENGTH);
    }
    index++;
    emit(slot);
  }
}

function headerFloor(version: 4 | 6): number {
  return version === 4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH;
}

function sumAddresses(packet: Uint8Array, version: 4 | 6): number {
  const { offset, length } = ADDRESSES[version];
  return sumBytes(packet, offset, length);
}
