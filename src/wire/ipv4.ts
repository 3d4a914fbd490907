/** The IPv4 header (RFC 791 3.1): accessors on (bytes, offset of the header). */
import { finishChecksum, isChecksumValid, sumBytes } from './checksum.js';
import { readUint16, writeUint16 } from './bytes.js';
import type { IpAddress } from './ip-address.js';

/** Bytes of a header without options, the only kind that is sent. */
export const IPV4_HEADER_LENGTH = 20;

/** Protocol numbers (IANA), the same in IPv6's next header but for ICMP. */
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

const TOTAL_LENGTH = 2;
const IDENTIFICATION = 4;
const FLAGS_AND_FRAGMENT = 6;
const TIME_TO_LIVE = 8;
const PROTOCOL = 9;
const CHECKSUM = 10;
const SOURCE = 12;
const DESTINATION = 16;

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;

/** RFC 1122 3.2.1.7 leaves it to the host; 64 is the recommended default (RFC 1700). */
const DEFAULT_TIME_TO_LIVE = 64;

/** The version field of any IP packet with at least one byte. */
export function ipVersion(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! >>> 4;
}

export function ipv4HeaderLength(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! & 0x0f) * 4;
}

export function ipv4TotalLength(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + TOTAL_LENGTH);
}

export function ipv4Protocol(bytes: Uint8Array, offset: number): number {
  return bytes[offset + PROTOCOL]!;
}

/** Where a fragment's data belongs, in bytes: RFC 791 3.1. */
export function ipv4FragmentOffset(bytes: Uint8Array, offset: number): number {
  return (readUint16(bytes, offset + FLAGS_AND_FRAGMENT) & FRAGMENT_OFFSET) * 8;
}

export function ipv4HasMoreFragments(bytes: Uint8Array, offset: number): boolean {
  return (readUint16(bytes, offset + FLAGS_AND_FRAGMENT) & MORE_FRAGMENTS) !== 0;
}

export function ipv4Identification(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + IDENTIFICATION);
}

/**
 * Makes the header that of a fragment, which may be fragmented again, or with `start` 0 and no
 * more to come that of a whole packet. The checksum is left as it is.
 */
export function writeIpv4Fragment(
  bytes: Uint8Array,
  offset: number,
  place: { readonly start: number; readonly more: boolean },
  identification: number,
): void {
  writeUint16(bytes, offset + IDENTIFICATION, identification);
  const word = (place.start >> 3) | (place.more ? MORE_FRAGMENTS : 0);
  writeUint16(bytes, offset + FLAGS_AND_FRAGMENT, word);
}

/** Whether the packet is a part of a larger one. */
export function ipv4IsFragment(bytes: Uint8Array, offset: number): boolean {
  const word = readUint16(bytes, offset + FLAGS_AND_FRAGMENT);
  return (word & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) !== 0;
}

/** The source address, as a view. */
export function ipv4Source(bytes: Uint8Array, offset: number): IpAddress {
  return bytes.subarray(offset + SOURCE, offset + SOURCE + 4);
}

/** The destination address, as a view. */
export function ipv4Destination(bytes: Uint8Array, offset: number): IpAddress {
  return bytes.subarray(offset + DESTINATION, offset + DESTINATION + 4);
}

/** What is wrong with the header of the packet in `bytes`; undefined when nothing is. */
export function ipv4HeaderError(bytes: Uint8Array): 'ip-truncated' | 'ip-checksum' | undefined {
  if (bytes.length < IPV4_HEADER_LENGTH) return 'ip-truncated';
  const headerLength = ipv4HeaderLength(bytes, 0);
  const totalLength = ipv4TotalLength(bytes, 0);
  if (headerLength < IPV4_HEADER_LENGTH || totalLength < headerLength) return 'ip-truncated';
  if (totalLength > bytes.length) return 'ip-truncated';
  // RFC 1122 3.2.1.2: a host MUST verify the header checksum and drop silently.
  return isChecksumValid(sumBytes(bytes, 0, headerLength)) ? undefined : 'ip-checksum';
}

/**
 * A header without length and checksum; `finishIpv4Header` puts those in. The packet is never
 * fragmented (DF), so its identification is of no meaning (RFC 6864 4.1) and stays zero.
 */
export function createIpv4Header(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
): Uint8Array {
  const header = new Uint8Array(IPV4_HEADER_LENGTH);
  header[0] = 0x45;
  writeUint16(header, FLAGS_AND_FRAGMENT, DONT_FRAGMENT);
  header[TIME_TO_LIVE] = DEFAULT_TIME_TO_LIVE;
  header[PROTOCOL] = protocol;
  header.set(source, SOURCE);
  header.set(destination, DESTINATION);
  return header;
}

/** Sets total length and header checksum of the header at `offset`, which may have options. */
export function finishIpv4Header(bytes: Uint8Array, offset: number, totalLength: number): void {
  writeUint16(bytes, offset + TOTAL_LENGTH, totalLength);
  writeUint16(bytes, offset + CHECKSUM, 0);
  const sum = sumBytes(bytes, offset, ipv4HeaderLength(bytes, offset));
  writeUint16(bytes, offset + CHECKSUM, finishChecksum(sum));
}
