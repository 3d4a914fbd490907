/**
 * The header of 10 bytes that stands before each packet of a tun device opened with IFF_VNET_HDR
 * (`struct virtio_net_hdr` of linux/virtio_net.h; VIRTIO 1.2, 5.1.6): what the one who takes the packet
 * has left to do. Its numbers are in the byte order of the machine: little-endian here.
 */

export const VIRTIO_NET_HEADER_LENGTH = 10;

/** In `flags`: the checksum field holds the sum of the pseudo header alone, not complemented. */
export const NEEDS_CHECKSUM = 1;

/** In `gsoType`: what the packet is to be cut into, each with `gsoSize` bytes of payload. */
export const GSO_NONE = 0;
export const GSO_TCP4 = 1;
export const GSO_TCP6 = 4;
export const GSO_UDP = 5;
/** Beside GSO_TCP4 or GSO_TCP6: the first segment alone may have CWR (RFC 3168). */
export const GSO_ECN = 0x80;

export interface VirtioNetHeader {
  readonly flags: number;
  readonly gsoType: number;
  /** Length of all headers of the packet; a hint, which forwarded packets have wrong. */
  readonly headerLength: number;
  readonly gsoSize: number;
  /** Where the checksum begins, from the start of the packet. */
  readonly checksumStart: number;
  /** Where the checksum stands, from `checksumStart`. */
  readonly checksumOffset: number;
}

/** The header of a packet that is whole. */
export const WHOLE_PACKET: VirtioNetHeader = {
  flags: 0,
  gsoType: GSO_NONE,
  headerLength: 0,
  gsoSize: 0,
  checksumStart: 0,
  checksumOffset: 0,
};

export function readVirtioNetHeader(frame: Uint8Array): VirtioNetHeader {
  return {
    flags: frame[0]!,
    gsoType: frame[1]!,
    headerLength: readUint16(frame, 2),
    gsoSize: readUint16(frame, 4),
    checksumStart: readUint16(frame, 6),
    checksumOffset: readUint16(frame, 8),
  };
}

export function writeVirtioNetHeader(frame: Uint8Array, header: VirtioNetHeader): void {
  frame[0] = header.flags;
  frame[1] = header.gsoType;
  writeUint16(frame, 2, header.headerLength);
  writeUint16(frame, 4, header.gsoSize);
  writeUint16(frame, 6, header.checksumStart);
  writeUint16(frame, 8, header.checksumOffset);
}

function readUint16(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8);
}

function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
}
