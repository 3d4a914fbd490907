/** The IPv4 header (RFC 791 3.1). Accessors take the bytes and the header's offset. */
import { finishChecksum, isChecksumValid, sumBytes } from './checksum.js';
import { readUint16, writeUint16 } from './bytes.js';
import type { IpAddress } from './ip-address.js';

/** The length in bytes of a header without options. Sent headers never have options. */
export const IPV4_HEADER_LENGTH = 20;

/** IANA protocol numbers. IPv6 uses the same values in its next header field, except for ICMP. */
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

const TOTAL_LENGTH = 2;
const IDENTIFICATION = 4;
const FLAGS_AND_FRAGMENT = 6;
const TIME_TO_LIVE = 8;
const PROTOCOL = 9;
const CHECKSUM = 10;
/** The offset of the source address, which the destination address follows. */
export const IPV4_SOURCE = 12;
const DESTINATION = 16;

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;

/** The default time to live that RFC 1700 recommends. RFC 1122 3.2.1.7 lets the host choose it. */
const DEFAULT_TIME_TO_LIVE = 64;

/** Returns the version of an IPv4 or IPv6 packet of at least one byte. */
export function ipVersion(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! >>> 4;
}

export function ipv4HeaderLength(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! & 0x0f) * 4;
}

export function ipv4TotalLength(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + TOTAL_LENGTH);
}

export function ipv4TimeToLive(bytes: Uint8Array, offset: number): number {
  return bytes[offset + TIME_TO_LIVE]!;
}

export function ipv4Protocol(bytes: Uint8Array, offset: number): number {
  return bytes[offset + PROTOCOL]!;
}

/** Returns the position of a fragment's data in the packet, in bytes (RFC 791 3.1). */
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
 * Turns the header into that of a fragment. The fragment may be fragmented again. If `start` is 0
 * and `more` is false, the header becomes that of a whole packet. The checksum is not updated.
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

/** Whether the packet is a fragment of a larger packet. */
export function ipv4IsFragment(bytes: Uint8Array, offset: number): boolean {
  const word = readUint16(bytes, offset + FLAGS_AND_FRAGMENT);
  return (word & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) !== 0;
}

export function ipv4Source(bytes: Uint8Array, offset: number): IpAddress {
  return bytes.subarray(offset + IPV4_SOURCE, offset + IPV4_SOURCE + 4);
}

export function ipv4Destination(bytes: Uint8Array, offset: number): IpAddress {
  return bytes.subarray(offset + DESTINATION, offset + DESTINATION + 4);
}

/** Returns the error in the header of the packet in `bytes`; undefined if the header is valid. */
export function ipv4HeaderError(bytes: Uint8Array): 'ip-truncated' | 'ip-checksum' | undefined {
  if (bytes.length < IPV4_HEADER_LENGTH) return 'ip-truncated';
  const headerLength = ipv4HeaderLength(bytes, 0);
  const totalLength = ipv4TotalLength(bytes, 0);
  if (headerLength < IPV4_HEADER_LENGTH || totalLength < headerLength) return 'ip-truncated';
  if (totalLength > bytes.length) return 'ip-truncated';
  // A host MUST verify the header checksum and silently drop invalid packets (RFC 1122 3.2.1.2).
  return isChecksumValid(sumBytes(bytes, 0, headerLength)) ? undefined : 'ip-checksum';
}

/**
 * Creates a header without length and checksum; `finishIpv4Header` sets them. The packet must not
 * be fragmented (DF), so its identification has no meaning (RFC 6864 4.1) and is zero.
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
  header.set(source, IPV4_SOURCE);
  header.set(destination, DESTINATION);
  return header;
}

/** Sets the total length and checksum of the header at `offset`, which may have options. */
export function finishIpv4Header(bytes: Uint8Array, offset: number, totalLength: number): void {
  writeUint16(bytes, offset + TOTAL_LENGTH, totalLength);
  writeUint16(bytes, offset + CHECKSUM, 0);
  const sum = sumBytes(bytes, offset, ipv4HeaderLength(bytes, offset));
  writeUint16(bytes, offset + CHECKSUM, finishChecksum(sum));
}
