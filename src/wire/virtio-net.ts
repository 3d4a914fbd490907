/**
 * The header in front of each frame of a packet device: struct virtio_net_hdr (Virtual I/O Device
 * 1.2, 5.1.6), little-endian. Accessors take the bytes and the header's offset.
 *
 * A header describes one packet. If the header has a segmentation type, the packet is a GSO packet:
 * one TCP or UDP header with a payload longer than one segment. The packet is later split into
 * segments with `virtioSegmentSize` bytes of payload each; the last segment may be shorter.
 */

export const VIRTIO_NET_HEADER_LENGTH = 10;

/**
 * The checksum must be completed. The checksum field holds the sum of the pseudo header, not
 * complemented. The receiver sums all bytes from `virtioChecksumStart` on, and writes the checksum
 * `virtioChecksumOffset` bytes after that position.
 */
export const VIRTIO_NET_NEEDS_CHECKSUM = 0x01;

/** A single packet that does not need segmentation. */
export const VIRTIO_NET_GSO_NONE = 0;
export const VIRTIO_NET_GSO_TCPV4 = 1;
export const VIRTIO_NET_GSO_TCPV6 = 4;
/** UDP datagrams of equal length, each of which gets its own header when the packet is split. */
export const VIRTIO_NET_GSO_UDP_L4 = 5;
/** A flag with a TCP type: CWR is set, and only the first segment may keep it (RFC 3168 6.1.2). */
export const VIRTIO_NET_GSO_ECN = 0x80;

const FLAGS = 0;
const SEGMENTATION = 1;
const HEADERS_LENGTH = 2;
const SEGMENT_SIZE = 4;
const CHECKSUM_START = 6;
const CHECKSUM_OFFSET = 8;

/**
 * The fields of a frame's header. Sizes are in bytes; positions are relative to the packet's first
 * byte.
 */
export interface VirtioNetHeader {
  /** Flags such as VIRTIO_NET_NEEDS_CHECKSUM. */
  readonly flags: number;
  /** One of VIRTIO_NET_GSO_…. */
  readonly segmentation: number;
  /**
   * The total length of the IP header and the TCP or UDP header. This is a hint; receivers must not
   * rely on it.
   */
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
