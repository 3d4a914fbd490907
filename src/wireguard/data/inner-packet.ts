/**
 * The little that WireGuard must know of the IP packets that it carries: where the addresses are,
 * for cryptokey routing (whitepaper 2), and the length, to take the padding off (5.4.6).
 */

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/**
 * The length that the IP header at `offset` claims, or 0 where the bytes up to `end` are no whole
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

/** Where the source address stands in a packet of IP version 4 or 6. */
export function sourceOffset(version: number): number {
  return version === 4 ? 12 : 8;
}

/** Where the destination address stands in a packet of IP version 4 or 6. */
export function destinationOffset(version: number): number {
  return version === 4 ? 16 : 24;
}
