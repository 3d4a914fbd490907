/**
 * Parses the few fields of an IP packet that WireGuard needs: the addresses for cryptokey routing
 * (whitepaper 2), and the length for adding and removing padding (§5.4.6).
 */
import { PADDING_MULTIPLE } from '../constants.js';

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/**
 * Returns the length in the IP header at `offset`, or 0 if the bytes up to `end` are not a whole
 * IPv4 or IPv6 packet (RFC 791 3.1, RFC 8200 3).
 */
export function innerPacketLength(bytes: Uint8Array, offset: number, end: number): number {
  const room = end - offset;
  if (room < IPV4_HEADER) return 0;
  const version = bytes[offset]! >> 4;
  if (version === 4) {
    const length = (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
    return length >= IPV4_HEADER && length <= room ? length : 0;
  }
  if (version !== 6 || room < IPV6_HEADER) return 0;
  const length = IPV6_HEADER + ((bytes[offset + 4]! << 8) | bytes[offset + 5]!);
  return length <= room ? length : 0;
}

/** Returns the offset of the source address in a packet of IP version 4 or 6. */
export function sourceOffset(version: number): number {
  return version === 4 ? 12 : 8;
}

/** Returns the offset of the destination address in a packet of IP version 4 or 6. */
export function destinationOffset(version: number): number {
  return version === 4 ? 16 : 24;
}

/**
 * Returns the packet length after zero padding to a multiple of 16 bytes, up to the MTU. Padding
 * beyond the MTU would make the outer packet too long for the path (whitepaper 5.4.6).
 */
export function paddedLength(length: number, mtu: number): number {
  // A packet longer than the MTU is padded like its last MTU-sized piece, as in the Linux kernel.
  const lastUnit = length > mtu ? length % mtu : length;
  const aligned = Math.ceil(lastUnit / PADDING_MULTIPLE) * PADDING_MULTIPLE;
  return length - lastUnit + Math.min(mtu, aligned);
}
