/** The UDP header (RFC 768): accessors on (bytes, offset of the header). */
import { readUint16, writeUint16 } from './bytes.js';
import { finishChecksum, sumBytes } from './checksum.js';

export const UDP_HEADER_LENGTH = 8;

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const LENGTH = 4;
const CHECKSUM = 6;

export function udpSourcePort(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + SOURCE_PORT);
}

export function udpDestinationPort(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + DESTINATION_PORT);
}

/** Header and payload together, in bytes, as the header says. */
export function udpLength(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + LENGTH);
}

/** Zero means that the sender made none (RFC 768); only IPv4 allows it. */
export function udpChecksum(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + CHECKSUM);
}

export function writeUdpPorts(
  bytes: Uint8Array,
  offset: number,
  source: number,
  destination: number,
): void {
  writeUint16(bytes, offset + SOURCE_PORT, source);
  writeUint16(bytes, offset + DESTINATION_PORT, destination);
}

/**
 * Sets length and checksum of a datagram whose ports and payload are in place.
 *
 * @param length of header and payload
 * @param pseudoSum sum of the pseudo header
 */
export function finishUdp(
  bytes: Uint8Array,
  offset: number,
  length: number,
  pseudoSum: number,
): void {
  writeUint16(bytes, offset + LENGTH, length);
  writeUint16(bytes, offset + CHECKSUM, 0);
  // RFC 768: a checksum that comes out as zero is sent as all ones.
  const checksum = finishChecksum(pseudoSum + sumBytes(bytes, offset, length)) || 0xffff;
  writeUint16(bytes, offset + CHECKSUM, checksum);
}
