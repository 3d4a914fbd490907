/** The IPv6 header (RFC 8200 3) and extension headers (4). Accessors take the header's offset. */
import { readInt32, readUint16, writeInt32, writeUint16 } from './bytes.js';
import type { IpAddress } from './ip-address.js';

export const IPV6_HEADER_LENGTH = 40;

/** The packet size that every link can carry (RFC 8200 5). */
export const IPV6_MINIMUM_MTU = 1280;

/** Next header values (IANA protocol numbers) that IPv4 does not use. */
export const HOP_BY_HOP_OPTIONS = 0;
export const ROUTING_HEADER = 43;
export const FRAGMENT_HEADER = 44;
export const PROTOCOL_ICMPV6 = 58;
export const NO_NEXT_HEADER = 59;
export const DESTINATION_OPTIONS = 60;

export const FRAGMENT_HEADER_LENGTH = 8;

/** Offsets of the fields to which a parameter problem may point. */
export const IPV6_PAYLOAD_LENGTH = 4;
export const IPV6_NEXT_HEADER = 6;
/** The position of the offset field in a fragment header. */
export const FRAGMENT_OFFSET = 2;

const HOP_LIMIT = 7;
/** The offset of the source address, which the destination address follows. */
export const IPV6_SOURCE = 8;
const DESTINATION = 24;
const IDENTIFICATION = 4;

const MORE_FRAGMENTS = 0x0001;
const OFFSET_MASK = 0xfff8;

/** The same value as in IPv4; see ipv4.ts. */
const DEFAULT_HOP_LIMIT = 64;

/** The maximum number of headers that skipExtensionHeaders() skips. */
const MAXIMUM_SKIPPED = 8;

/** Returns the number of bytes after the header, including extension headers. */
export function ipv6PayloadLength(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + IPV6_PAYLOAD_LENGTH);
}

export function ipv6HopLimit(bytes: Uint8Array, offset: number): number {
  return bytes[offset + HOP_LIMIT]!;
}

export function ipv6Source(bytes: Uint8Array, offset: number): IpAddress {
  return bytes.subarray(offset + IPV6_SOURCE, offset + IPV6_SOURCE + 16);
}

export function ipv6Destination(bytes: Uint8Array, offset: number): IpAddress {
  return bytes.subarray(offset + DESTINATION, offset + DESTINATION + 16);
}

/** Returns the error in the header of the packet in `bytes`; undefined if the header is valid. */
export function ipv6HeaderError(bytes: Uint8Array): 'ip-truncated' | undefined {
  if (bytes.length < IPV6_HEADER_LENGTH) return 'ip-truncated';
  const end = IPV6_HEADER_LENGTH + ipv6PayloadLength(bytes, 0);
  return end > bytes.length ? 'ip-truncated' : undefined;
}

/**
 * Returns the length in bytes of an options or routing header. The length field counts 8-byte units
 * beyond the first (RFC 8200 4.3).
 */
export function extensionHeaderLength(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + 1]! + 1) * 8;
}

/** Returns the position of a fragment's data in the packet, in bytes (RFC 8200 4.5). */
export function fragmentOffset(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + FRAGMENT_OFFSET) & OFFSET_MASK;
}

export function hasMoreFragments(bytes: Uint8Array, offset: number): boolean {
  return (readUint16(bytes, offset + FRAGMENT_OFFSET) & MORE_FRAGMENTS) !== 0;
}

/** Returns a signed 32-bit integer. */
export function fragmentIdentification(bytes: Uint8Array, offset: number): number {
  return readInt32(bytes, offset + IDENTIFICATION);
}

/** @param place the position of the data in bytes, a multiple of 8 */
export function writeFragmentHeader(
  bytes: Uint8Array,
  offset: number,
  nextHeader: number,
  place: { readonly start: number; readonly more: boolean },
  identification: number,
): void {
  bytes[offset] = nextHeader;
  bytes[offset + 1] = 0;
  writeUint16(bytes, offset + FRAGMENT_OFFSET, place.start | (place.more ? MORE_FRAGMENTS : 0));
  writeInt32(bytes, offset + IDENTIFICATION, identification);
}

/** Creates a header without payload length; `finishIpv6Header` sets it. */
export function createIpv6Header(
  source: IpAddress,
  destination: IpAddress,
  nextHeader: number,
  flowLabel: number,
): Uint8Array {
  const header = new Uint8Array(IPV6_HEADER_LENGTH);
  writeInt32(header, 0, (6 << 28) | flowLabel);
  header[IPV6_NEXT_HEADER] = nextHeader;
  header[HOP_LIMIT] = DEFAULT_HOP_LIMIT;
  header.set(source, IPV6_SOURCE);
  header.set(destination, DESTINATION);
  return header;
}

export function finishIpv6Header(bytes: Uint8Array, offset: number, payloadLength: number): void {
  writeUint16(bytes, offset + IPV6_PAYLOAD_LENGTH, payloadLength);
}

/**
 * Finds the upper-layer header after the extension headers, without validating them.
 *
 * @returns undefined if the packet ends too early, or is a fragment other than the first
 */
export function skipExtensionHeaders(
  bytes: Uint8Array,
  offset: number,
  end: number,
): { protocol: number; offset: number } | undefined {
  let protocol = bytes[offset + IPV6_NEXT_HEADER]!;
  let at = offset + IPV6_HEADER_LENGTH;
  for (let passed = 0; passed <= MAXIMUM_SKIPPED && at <= end; passed++) {
    const isFragment = protocol === FRAGMENT_HEADER;
    const isOther =
      protocol === HOP_BY_HOP_OPTIONS ||
      protocol === ROUTING_HEADER ||
      protocol === DESTINATION_OPTIONS;
    if (!isFragment && !isOther) return { protocol, offset: at };
    if (at + 8 > end || (isFragment && fragmentOffset(bytes, at) !== 0)) return undefined;
    protocol = bytes[at]!;
    at += isFragment ? FRAGMENT_HEADER_LENGTH : extensionHeaderLength(bytes, at);
  }
  return undefined;
}
