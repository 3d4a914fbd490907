/** ICMP messages (RFC 792); ICMPv6 has the same layout. Accessors take the message's offset. */
import { readUint16, writeUint16 } from './bytes.js';
import { finishChecksum, sumBytes } from './checksum.js';

/** The length in bytes of the header before an echo's payload or an error's quoted packet. */
export const ICMP_HEADER_LENGTH = 8;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_DESTINATION_UNREACHABLE = 3;
export const ICMP_ECHO_REQUEST = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETER_PROBLEM = 12;

/** The maximum length of an error with all headers; the quote is cut to fit (RFC 1812 4.3.2.3). */
export const ICMP_LONGEST_ERROR = 576;

/** Codes of ICMP_DESTINATION_UNREACHABLE (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1). */
export const ICMP_NETWORK_UNREACHABLE = 0;
export const ICMP_HOST_UNREACHABLE = 1;
export const ICMP_PROTOCOL_UNREACHABLE = 2;
export const ICMP_PORT_UNREACHABLE = 3;
/** Communication with the destination is administratively prohibited. */
export const ICMP_PROHIBITED = 13;
export const ICMP_FRAGMENTATION_NEEDED = 4;

/** A code of ICMP_TIME_EXCEEDED. */
export const ICMP_REASSEMBLY_TIME_EXCEEDED = 1;

const SOURCE_QUENCH = 4;
const REDIRECT = 5;

const TYPE = 0;
const CODE = 1;
const CHECKSUM = 2;
const IDENTIFIER = 4;
/** The offset of an error's field that most errors do not use. */
const UNUSED = 4;
const SEQUENCE = 6;
/** The offset of the next-hop MTU, the same as that of an echo's sequence number (RFC 1191 4). */
const NEXT_HOP_MTU = 6;

/**
 * Whether a type is an error. An error is never sent in response to another error (RFC 1122 3.2.2).
 */
export function isIcmpError(type: number): boolean {
  return (
    type === ICMP_DESTINATION_UNREACHABLE ||
    type === SOURCE_QUENCH ||
    type === REDIRECT ||
    type === ICMP_TIME_EXCEEDED ||
    type === ICMP_PARAMETER_PROBLEM
  );
}

export function icmpType(bytes: Uint8Array, offset: number): number {
  return bytes[offset + TYPE]!;
}

export function icmpCode(bytes: Uint8Array, offset: number): number {
  return bytes[offset + CODE]!;
}

export function icmpIdentifier(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + IDENTIFIER);
}

export function icmpSequence(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + SEQUENCE);
}

/** Returns the MTU in a fragmentation-needed message; 0 from routers that predate RFC 1191. */
export function icmpNextHopMtu(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + NEXT_HOP_MTU);
}

export function writeIcmpEcho(
  bytes: Uint8Array,
  offset: number,
  type: number,
  identifier: number,
  sequence: number,
): void {
  bytes[offset + TYPE] = type;
  bytes[offset + CODE] = 0;
  writeUint16(bytes, offset + IDENTIFIER, identifier);
  writeUint16(bytes, offset + SEQUENCE, sequence);
}

/** Writes the type and code of an error, and four bytes of zero after the checksum. */
export function writeIcmpError(
  bytes: Uint8Array,
  offset: number,
  type: number,
  code: number,
): void {
  bytes[offset + TYPE] = type;
  bytes[offset + CODE] = code;
  bytes.fill(0, offset + UNUSED, offset + ICMP_HEADER_LENGTH);
}

/**
 * Sets the checksum of a message that is otherwise complete.
 *
 * @param pseudoSum sum of the pseudo header, which only ICMPv6 has (RFC 4443 2.3)
 */
export function finishIcmp(bytes: Uint8Array, offset: number, length: number, pseudoSum = 0): void {
  writeUint16(bytes, offset + CHECKSUM, 0);
  const sum = pseudoSum + sumBytes(bytes, offset, length);
  writeUint16(bytes, offset + CHECKSUM, finishChecksum(sum));
}
