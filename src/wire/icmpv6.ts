/** Types and codes of ICMPv6 (RFC 4443). The message layout is that of ICMP; see icmp.ts. */
import { readInt32, writeInt32 } from './bytes.js';
import { IPV6_MINIMUM_MTU } from './ipv6.js';

export const ICMPV6_DESTINATION_UNREACHABLE = 1;
export const ICMPV6_PACKET_TOO_BIG = 2;
export const ICMPV6_TIME_EXCEEDED = 3;
export const ICMPV6_PARAMETER_PROBLEM = 4;
export const ICMPV6_ECHO_REQUEST = 128;
export const ICMPV6_ECHO_REPLY = 129;
/** The type of a redirect message (RFC 4861 4.5). */
export const ICMPV6_REDIRECT = 137;

/** The maximum length of an error, like ICMP_LONGEST_ERROR (RFC 4443 2.4 (c)). */
export const ICMPV6_LONGEST_ERROR = IPV6_MINIMUM_MTU;

/** Codes of ICMPV6_DESTINATION_UNREACHABLE (RFC 4443 3.1). */
export const ICMPV6_NO_ROUTE = 0;
/** Communication with the destination is administratively prohibited. */
export const ICMPV6_PROHIBITED = 1;
export const ICMPV6_ADDRESS_UNREACHABLE = 3;
export const ICMPV6_PORT_UNREACHABLE = 4;

/** A code of ICMPV6_TIME_EXCEEDED (RFC 4443 3.3). */
export const ICMPV6_REASSEMBLY_TIME_EXCEEDED = 1;

/** Codes of ICMPV6_PARAMETER_PROBLEM (RFC 4443 3.4; RFC 7112 6 for the last code). */
export const ICMPV6_ERRONEOUS_FIELD = 0;
export const ICMPV6_UNRECOGNIZED_NEXT_HEADER = 1;
export const ICMPV6_UNRECOGNIZED_OPTION = 2;
export const ICMPV6_INCOMPLETE_HEADER_CHAIN = 3;

const PARAMETER = 4;

/** Whether a type is an error message: error types are below 128 (RFC 4443 2.1). */
export function isIcmpv6Error(type: number): boolean {
  return type < 128;
}

/** Returns the four bytes after the checksum: an MTU (RFC 4443 3.2) or a pointer (3.4). */
export function icmpv6Parameter(bytes: Uint8Array, offset: number): number {
  return readInt32(bytes, offset + PARAMETER) >>> 0;
}

export function writeIcmpv6Parameter(bytes: Uint8Array, offset: number, value: number): void {
  writeInt32(bytes, offset + PARAMETER, value);
}
