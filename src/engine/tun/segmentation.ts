/**
 * Performs the offloads that a kernel leaves to the network card: splits packets of up to 64 KiB
 * into segments and completes checksums. Each resulting packet is in a slot for WireGuard.
 */
import { partOf } from '../../lib/packets/packet-bytes.js';
import { PACKET_HEADROOM, type PacketSlots } from '../../lib/packets/packet-slot.js';
import { readInt32, readUint16, writeInt32, writeUint16 } from '../../wire/bytes.js';
import { copyAndSum, finishChecksum, sumBytes } from '../../wire/checksum.js';
import {
  IPV4_HEADER_LENGTH,
  ipv4HeaderLength,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../wire/ipv4.js';
import { finishIpv6Header, IPV6_HEADER_LENGTH } from '../../wire/ipv6.js';
import { FIN, PSH, TCP_HEADER_LENGTH } from '../../wire/tcp.js';
import { UDP_HEADER_LENGTH } from '../../wire/udp.js';
import {
  VIRTIO_NET_GSO_ECN,
  VIRTIO_NET_GSO_NONE,
  VIRTIO_NET_GSO_TCPV4,
  VIRTIO_NET_GSO_TCPV6,
  VIRTIO_NET_GSO_UDP_L4,
  VIRTIO_NET_HEADER_LENGTH,
  VIRTIO_NET_NEEDS_CHECKSUM,
  virtioChecksumOffset,
  virtioChecksumStart,
  virtioFlags,
  virtioSegmentation,
  virtioSegmentSize,
} from '../../wire/virtio-net.js';

/** The CWR flag: the sender has reduced its congestion window (RFC 3168 6.1.2). */
const CWR = 0x80;

/** Field offsets in the TCP and UDP headers. */
const TCP_SEQUENCE = 4;
const TCP_DATA_OFFSET = 12;
const TCP_FLAGS = 13;
const TCP_CHECKSUM = 16;
const UDP_LENGTH = 4;
const UDP_CHECKSUM = 6;

const IPV4_TOTAL_LENGTH = 2;
const IPV4_IDENTIFICATION = 4;
const IPV4_CHECKSUM = 10;

/** The words of each header that differ between the segments of a frame. */
const TCP_VARYING = [TCP_SEQUENCE, TCP_SEQUENCE + 2, TCP_DATA_OFFSET, TCP_CHECKSUM];
const UDP_VARYING = [UDP_LENGTH, UDP_CHECKSUM];
const IPV4_VARYING = [IPV4_TOTAL_LENGTH, IPV4_IDENTIFICATION, IPV4_CHECKSUM];

/** Offsets and lengths of the two addresses in the IP header; the source comes first. */
const ADDRESSES = { 4: { offset: 12, length: 8 }, 6: { offset: 8, length: 32 } };

/**
 * Copies the packets of one frame of a packet device into slots. The frame may be overwritten
 * afterwards.
 *
 * @returns false if the frame is malformed; nothing is emitted then
 */
export function segment(
  frame: Uint8Array,
  slots: PacketSlots,
  emit: (slot: Uint8Array) => void,
): boolean {
  if (frame.length <= VIRTIO_NET_HEADER_LENGTH) return false;
  const packet = partOf(frame, VIRTIO_NET_HEADER_LENGTH, frame.length);
  const version = packet[0]! >> 4;
  if ((version !== 4 && version !== 6) || packet.length < headerFloor(version)) return false;
  const segmentation = virtioSegmentation(frame, 0) & ~VIRTIO_NET_GSO_ECN;
  if (segmentation === VIRTIO_NET_GSO_NONE) return passWhole(frame, packet, slots, emit);
  const cut: Cut = {
    packet,
    version,
    segmentSize: virtioSegmentSize(frame, 0),
    transport: virtioChecksumStart(frame, 0),
    slots,
    emit,
  };
  switch (segmentation) {
    case VIRTIO_NET_GSO_TCPV4:
    case VIRTIO_NET_GSO_TCPV6:
      return cutTcp(cut);
    case VIRTIO_NET_GSO_UDP_L4:
      return cutUdp(cut);
    default:
      return false;
  }
}

interface Cut {
  readonly packet: Uint8Array;
  readonly version: 4 | 6;
  /** The number of payload bytes in each packet except the last. */
  readonly segmentSize: number;
  /** The offset of the TCP or UDP header. */
  readonly transport: number;
  readonly slots: PacketSlots;
  readonly emit: (slot: Uint8Array) => void;
}

function passWhole(
  frame: Uint8Array,
  packet: Uint8Array,
  slots: PacketSlots,
  emit: (slot: Uint8Array) => void,
): boolean {
  const slot = slots.allocate(packet.length);
  slot.set(packet, PACKET_HEADROOM);
  if ((virtioFlags(frame, 0) & VIRTIO_NET_NEEDS_CHECKSUM) !== 0) {
    const start = virtioChecksumStart(frame, 0);
    const field = start + virtioChecksumOffset(frame, 0);
    if (field + 2 > packet.length) return false;
    // The checksum field already contains the sum of the pseudo header.
    const sum = sumBytes(slot, PACKET_HEADROOM + start, packet.length - start);
    // A checksum of zero becomes 0xffff for all protocols, as in Linux. UDP requires this (RFC
    // 768); for other protocols, the two values are equivalent.
    writeUint16(slot, PACKET_HEADROOM + field, finishChecksum(sum) || 0xffff);
  }
  emit(slot);
  return true;
}

function cutTcp(cut: Cut): boolean {
  const { packet, version, transport } = cut;
  if (transport < headersEnd(packet, version) || transport + TCP_HEADER_LENGTH > packet.length)
    return false;
  // Ignore the header length in virtio_net_hdr: for a forwarded packet, it can be too large.
  const tcpHeaderLength = (packet[transport + TCP_DATA_OFFSET]! >> 4) * 4;
  const payload = transport + tcpHeaderLength;
  if (tcpHeaderLength < TCP_HEADER_LENGTH || payload >= packet.length) return false;
  if (cut.segmentSize === 0) return false;
  const sequence = readInt32(packet, transport + TCP_SEQUENCE);
  const flags = packet[transport + TCP_FLAGS]!;
  const offsetWord = packet[transport + TCP_DATA_OFFSET]! << 8;
  const common =
    sumAddresses(packet, version) +
    PROTOCOL_TCP +
    tcpHeaderLength +
    sumWithout(packet, transport, tcpHeaderLength, TCP_VARYING);
  forEachSegment(cut, payload, (slot, from, length, payloadSum) => {
    const tcp = PACKET_HEADROOM + transport;
    const segmentSequence = sequence + from;
    writeInt32(slot, tcp + TCP_SEQUENCE, segmentSequence);
    // FIN and PSH apply to the last segment (RFC 9293), CWR to the first (RFC 3168 6.1.2).
    const isLast = payload + from + length === packet.length;
    const segmentFlags = flags & ~((isLast ? 0 : FIN | PSH) | (from === 0 ? 0 : CWR));
    slot[tcp + TCP_FLAGS] = segmentFlags;
    const varying =
      ((segmentSequence >>> 16) & 0xffff) +
      (segmentSequence & 0xffff) +
      (offsetWord | segmentFlags);
    writeUint16(slot, tcp + TCP_CHECKSUM, finishChecksum(common + varying + length + payloadSum));
  });
  return true;
}

function cutUdp(cut: Cut): boolean {
  const { packet, version, transport } = cut;
  const payload = transport + UDP_HEADER_LENGTH;
  if (transport < headersEnd(packet, version) || payload >= packet.length) return false;
  if (cut.segmentSize === 0) return false;
  const common =
    sumAddresses(packet, version) +
    PROTOCOL_UDP +
    sumWithout(packet, transport, UDP_HEADER_LENGTH, UDP_VARYING);
  forEachSegment(cut, payload, (slot, _from, length, payloadSum) => {
    const udp = PACKET_HEADROOM + transport;
    const size = UDP_HEADER_LENGTH + length;
    writeUint16(slot, udp + UDP_LENGTH, size);
    // The length is in the pseudo header and in the header.
    const sum = common + 2 * size + payloadSum;
    // A computed checksum of zero is sent as all ones (RFC 768).
    writeUint16(slot, udp + UDP_CHECKSUM, finishChecksum(sum) || 0xffff);
  });
  return true;
}

/**
 * Emits the segments and completes their IP headers.
 *
 * @param payload the offset of the payload
 * @param finish completes the transport header; `from` and `length` locate the segment's payload,
 * and `payloadSum` is the payload's part of the checksum
 */
function forEachSegment(
  { packet, version, segmentSize, slots, emit }: Cut,
  payload: number,
  finish: (slot: Uint8Array, from: number, length: number, payloadSum: number) => void,
): void {
  const total = packet.length - payload;
  const headers = partOf(packet, 0, payload);
  const finishIp = version === 4 ? finishIpv4Of(packet) : finishIpv6Of;
  let index = 0;
  for (let from = 0; from < total; from += segmentSize) {
    const length = Math.min(segmentSize, total - from);
    const slot = slots.allocate(payload + length);
    slot.set(headers, PACKET_HEADROOM);
    const start = payload + from;
    const payloadSum = copyAndSum(slot, PACKET_HEADROOM + payload, packet, start, length);
    finish(slot, from, length, payloadSum);
    finishIp(slot, payload + length, index++);
    emit(slot);
  }
}

/**
 * Completes the IP header of a segment.
 *
 * @param index the number of segments before it
 */
type FinishIp = (slot: Uint8Array, totalLength: number, index: number) => void;

/** The identifications of the segments increase by one. */
function finishIpv4Of(packet: Uint8Array): FinishIp {
  const identification = readUint16(packet, IPV4_IDENTIFICATION);
  const common = sumWithout(packet, 0, ipv4HeaderLength(packet, 0), IPV4_VARYING);
  return (slot, totalLength, index) => {
    const id = (identification + index) & 0xffff;
    writeUint16(slot, PACKET_HEADROOM + IPV4_TOTAL_LENGTH, totalLength);
    writeUint16(slot, PACKET_HEADROOM + IPV4_IDENTIFICATION, id);
    const checksum = finishChecksum(common + totalLength + id);
    writeUint16(slot, PACKET_HEADROOM + IPV4_CHECKSUM, checksum);
  };
}

function finishIpv6Of(slot: Uint8Array, totalLength: number): void {
  finishIpv6Header(slot, PACKET_HEADROOM, totalLength - IPV6_HEADER_LENGTH);
}

/**
 * Returns the sum of a header without the 16-bit words at `varying`: adding a word's complement
 * subtracts it (RFC 1624 3).
 */
function sumWithout(
  packet: Uint8Array,
  offset: number,
  length: number,
  varying: readonly number[],
): number {
  let sum = sumBytes(packet, offset, length);
  for (const word of varying) sum += ~readUint16(packet, offset + word) & 0xffff;
  return sum;
}

/** Returns the lowest valid offset of the transport header; Infinity if the IPv4 header is malformed. */
function headersEnd(packet: Uint8Array, version: 4 | 6): number {
  if (version === 6) return IPV6_HEADER_LENGTH;
  const length = ipv4HeaderLength(packet, 0);
  return length < IPV4_HEADER_LENGTH ? Infinity : length;
}

function headerFloor(version: 4 | 6): number {
  return version === 4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH;
}

function sumAddresses(packet: Uint8Array, version: 4 | 6): number {
  const { offset, length } = ADDRESSES[version];
  return sumBytes(packet, offset, length);
}
