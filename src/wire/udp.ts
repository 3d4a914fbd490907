/** The UDP header (RFC 768). Accessors take the bytes and the header's offset. */
import { readUint16, writeUint16 } from './bytes.js';
import { finishChecksum, sumBytes } from './checksum.js';

export {
  sourcePort as udpSourcePort,
  destinationPort as udpDestinationPort,
  writePorts as writeUdpPorts,
} from './ports.js';

export const UDP_HEADER_LENGTH = 8;

const LENGTH = 4;
const CHECKSUM = 6;

/** Returns the length of header and payload in bytes, according to the header. */
export function udpLength(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + LENGTH);
}

/** Returns the checksum; 0 if the sender did not compute one, which only IPv4 allows (RFC 768). */
export function udpChecksum(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + CHECKSUM);
}

/**
 * Sets the length and checksum of a datagram whose ports and payload are already written.
 *
 * @param length the length of header and payload, in bytes
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
  // A computed checksum of zero is sent as all ones (RFC 768).
  const checksum = finishChecksum(pseudoSum + sumBytes(bytes, offset, length)) || 0xffff;
  writeUint16(bytes, offset + CHECKSUM, checksum);
}
