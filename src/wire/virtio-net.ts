/**
 * The header in front of each frame of a packet device: struct virtio_net_hdr (Virtual I/O Device 1.2,
 * 5.1.6), little-endian; accessors on (bytes, offset of the header).
 *
 * It describes one packet. A packet with a segmentation type is a run: TCP's or UDP's header stands once,
 * the payload is longer than one segment, and whoever sends it on cuts it into segments of
 * `virtioSegmentSize` bytes of payload, the last of which may be shorter.
 */

export const VIRTIO_NET_HEADER_LENGTH = 10;

/**
 * The checksum is to be made: the field holds the sum of the pseudo header, not inverted, and the sum of
 * all bytes from `virtioChecksumStart` on goes to `virtioChecksumOffset` behind that.
 */
export const VIRTIO_NET_NEEDS_CHECKSUM = 0x01;
/** The checksum was found right. */
export const VIRTIO_NET_CHECKSUM_VALID = 0x02;

/** One packet as it is. */
export const VIRTIO_NET_GSO_NONE = 0;
export const VIRTIO_NET_GSO_TCPV4 = 1;
export const VIRTIO_NET_GSO_TCPV6 = 4;
/** UDP datagrams of one length, each with a header of its own when they are cut. */
export const VIRTIO_NET_GSO_UDP_L4 = 5;
/** Beside a type of TCP: the run has CWR set, which belongs to its first segment (RFC 3168 6.1.2). */
export const VIRTIO_NET_GSO_ECN = 0x80;

const FLAGS = 0;
const SEGMENTATION = 1;
const HEADERS_LENGTH = 2;
const SEGMENT_SIZE = 4;
const CHECKSUM_START = 6;
const CHECKSUM_OFFSET = 8;

/** What a frame's header says; sizes in bytes, places from the packet's first byte on. */
export interface VirtioNetHeader {
  /** VIRTIO_NET_NEEDS_CHECKSUM and the like. */
  readonly flags: number;
  /** One of VIRTIO_NET_GSO_…. */
  readonly segmentation: number;
  /** Of the IP and TCP or UDP header; a hint, which the kernel that reads it may find wrong. */
  readonly headersLength: number;
  readonly segmentSize: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
}

export function virtioFlags(bytes: Uint8Array, offset: number): number {
  return bytes[offset + FLAGS]!;
}

export function virtioSegmentation(bytes: Uint8Array, offset: number): number {
  return bytes[offset + SEGMENTATION]!;
}

export function virtioHeadersLength(bytes: Uint8Array, offset: number): number {
  return readLittleEndian(bytes, offset + HEADERS_LENGTH);
}

export function virtioSegmentSize(bytes: Uint8Array, offset: number): number {
  return readLittleEndian(bytes, offset + SEGMENT_SIZE);
}

export function virtioChecksumStart(bytes: Uint8Array, offset: number): number {
  return readLittleEndian(bytes, offset + CHECKSUM_START);
}

export function virtioChecksumOffset(bytes: Uint8Array, offset: number): number {
  return readLittleEndian(bytes, offset + CHECKSUM_OFFSET);
}

export function writeVirtioNetHeader(
  bytes: Uint8Array,
  offset: number,
  header: VirtioNetHeader,
): void {
  bytes[offset + FLAGS] = header.flags;
  bytes[offset + SEGMENTATION] = header.segmentation;
  writeLittleEndian(bytes, offset + HEADERS_LENGTH, header.headersLength);
  writeLittleEndian(bytes, offset + SEGMENT_SIZE, header.segmentSize);
  writeLittleEndian(bytes, offset + CHECKSUM_START, header.checksumStart);
  writeLittleEndian(bytes, offset + CHECKSUM_OFFSET, header.checksumOffset);
}

function readLittleEndian(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8);
}

function writeLittleEndian(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
}
