/** The TCP header (RFC 9293 3.1). Accessors take the bytes and the header's offset. */
import { readInt32, readUint16, writeInt32, writeUint16 } from './bytes.js';
import { finishChecksum, sumBytes } from './checksum.js';

export {
  sourcePort as tcpSourcePort,
  destinationPort as tcpDestinationPort,
  writePorts as writeTcpPorts,
} from './ports.js';

/** The length in bytes of a header without options. */
export const TCP_HEADER_LENGTH = 20;

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

/** Option kinds (RFC 9293 3.2, RFC 7323 2.2 and 3.2, RFC 2018). */
export const OPTION_END = 0;
export const OPTION_NOP = 1;
export const OPTION_MSS = 2;
export const OPTION_WINDOW_SCALE = 3;
export const OPTION_SACK_PERMITTED = 4;
export const OPTION_SACK = 5;
export const OPTION_TIMESTAMPS = 8;

const SEQUENCE = 4;
const ACKNOWLEDGMENT = 8;
const DATA_OFFSET = 12;
const FLAGS = 13;
const WINDOW = 14;
const CHECKSUM = 16;
const URGENT_POINTER = 18;

/** Returns a signed 32-bit integer. */
export function tcpSequence(bytes: Uint8Array, offset: number): number {
  return readInt32(bytes, offset + SEQUENCE);
}

/** Returns a signed 32-bit integer. */
export function tcpAcknowledgment(bytes: Uint8Array, offset: number): number {
  return readInt32(bytes, offset + ACKNOWLEDGMENT);
}

/** Returns the length in bytes of the header with its options. */
export function tcpHeaderLength(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + DATA_OFFSET]! >>> 4) * 4;
}

export function tcpFlags(bytes: Uint8Array, offset: number): number {
  return bytes[offset + FLAGS]!;
}

/** Returns the unscaled window field. */
export function tcpWindow(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + WINDOW);
}

export function writeTcpNumbers(
  bytes: Uint8Array,
  offset: number,
  sequence: number,
  acknowledgment: number,
): void {
  writeInt32(bytes, offset + SEQUENCE, sequence);
  writeInt32(bytes, offset + ACKNOWLEDGMENT, acknowledgment);
}

/**
 * Writes the data offset, flags, window and an urgent pointer of zero. `headerLength` is a multiple
 * of 4.
 */
export function writeTcpControl(
  bytes: Uint8Array,
  offset: number,
  headerLength: number,
  flags: number,
  window: number,
): void {
  bytes[offset + DATA_OFFSET] = (headerLength / 4) << 4;
  bytes[offset + FLAGS] = flags;
  writeUint16(bytes, offset + WINDOW, window);
  writeUint16(bytes, offset + URGENT_POINTER, 0);
}

/**
 * Sets the checksum of a segment that is otherwise complete.
 *
 * @param length the length of header and payload, in bytes
 * @param pseudoSum sum of the pseudo header
 */
export function finishTcp(
  bytes: Uint8Array,
  offset: number,
  length: number,
  pseudoSum: number,
): void {
  writeUint16(bytes, offset + CHECKSUM, 0);
  const sum = pseudoSum + sumBytes(bytes, offset, length);
  writeUint16(bytes, offset + CHECKSUM, finishChecksum(sum));
}
