/**
 * Performs the offloads that a kernel leaves to the network card: splits packets of up to 64 KiB
 * into segments and completes checksums. Each resulting packet is in a slot for WireGuard.
 */
import { PACKET_HEADROOM, type PacketSlots } from '../../lib/packets/packet-slot.js';
import { readInt32, readUint16, writeInt32, writeUint16 } from '../../wire/bytes.js';
import { copyAndSum, finishChecksum, sumBytes } from '../../wire/checksum.js';
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

const IPV4_IDENTIFICATION = 4;

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
  const packet = frame.subarray(VIRTIO_NET_HEADER_LENGTH);
  const version = packet[0]! >> 4;
  if ((version !== 4 && version !== 6) || packet.length < headerFloor(version)) return false;
  const cut: Cut = {
    packet,
    version,
    segmentSize: virtioSegmentSize(frame, 0),
    transport: virtioChecksumStart(frame, 0),
    slots,
    emit,
  };
  switch (virtioSegmentation(frame, 0) & ~VIRTIO_NET_GSO_ECN) {
    case VIRTIO_NET_GSO_NONE:
      return passWhole(frame, cut);
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

function passWhole(frame: Uint8Array, { packet, slots, emit }: Cut): boolean {
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
  if (transport < headerFloor(version) || transport + TCP_HEADER_LENGTH > packet.length)
    return false;
  // Ignore the header length in virtio_net_hdr: for a forwarded packet, it can be too large.
  const tcpHeaderLength = (packet[transport + TCP_DATA_OFFSET]! >> 4) * 4;
  const payload = transport + tcpHeaderLength;
  if (tcpHeaderLength < TCP_HEADER_LENGTH || payload >= packet.length) return false;
  if (cut.segmentSize === 0) return false;
  const sequence = readInt32(packet, transport + TCP_SEQUENCE);
  const flags = packet[transport + TCP_FLAGS]!;
  const addressSum = sumAddresses(packet, version);
  forEachSegment(cut, payload, (slot, from, length, payloadSum) => {
    const tcp = PACKET_HEADROOM + transport;
    writeInt32(slot, tcp + TCP_SEQUENCE, sequence + from);
    // FIN and PSH apply to the last segment (RFC 9293), CWR to the first (RFC 3168 6.1.2).
    const isLast = payload + from + length === packet.length;
    const notHere = (isLast ? 0 : FIN | PSH) | (from === 0 ? 0 : CWR);
    slot[tcp + TCP_FLAGS] = flags & ~notHere;
    writeUint16(slot, tcp + TCP_CHECKSUM, 0);
    const headerSum = sumBytes(slot, tcp, tcpHeaderLength);
    const sum = addressSum + PROTOCOL_TCP + tcpHeaderLength + length + headerSum + payloadSum;
    writeUint16(slot, tcp + TCP_CHECKSUM, finishChecksum(sum));
  });
  return true;
}

function cutUdp(cut: Cut): boolean {
  const { packet, version, transport } = cut;
  const payload = transport + UDP_HEADER_LENGTH;
  if (transport < headerFloor(version) || payload >= packet.length) return false;
  if (cut.segmentSize === 0) return false;
  const addressSum = sumAddresses(packet, version);
  forEachSegment(cut, payload, (slot, _from, length, payloadSum) => {
    const udp = PACKET_HEADROOM + transport;
    const size = UDP_HEADER_LENGTH + length;
    writeUint16(slot, udp + UDP_LENGTH, size);
    writeUint16(slot, udp + UDP_CHECKSUM, 0);
    const headerSum = sumBytes(slot, udp, UDP_HEADER_LENGTH);
    const sum = addressSum + PROTOCOL_UDP + size + headerSum + payloadSum;
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
  const headers = packet.subarray(0, payload);
  const identification = readUint16(packet, IPV4_IDENTIFICATION);
  let index = 0;
  for (let from = 0; from < total; from += segmentSize) {
    const length = Math.min(segmentSize, total - from);
    const slot = slots.allocate(payload + length);
    slot.set(headers, PACKET_HEADROOM);
    const start = payload + from;
    const payloadSum = copyAndSum(slot, PACKET_HEADROOM + payload, packet, start, length);
    finish(slot, from, length, payloadSum);
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
