/**
 * The Internet checksum (RFC 1071). A sum is a plain number, and the sums of several parts can be
 * added, so that a pseudo header need not be copied in front of its segment.
 *
 * Invariant: every part except the last has an even length.
 */
import type { IpAddress } from './ip-address.js';

/**
 * Returns the unfolded sum of the 16-bit words of `bytes[offset, offset + length)`. An odd last
 * byte is padded with a zero byte (RFC 1071 1).
 */
export function sumBytes(bytes: Uint8Array, offset: number, length: number): number {
  // High and low bytes are summed separately, so that carries are added only once, at the end. For
  // 64 KiB, both sums stay below 2^31.
  let high = 0;
  let low = 0;
  let index = offset;
  const end = offset + length;
  const unrolled = end - 7;
  while (index < unrolled) {
    high += bytes[index]! + bytes[index + 2]! + bytes[index + 4]! + bytes[index + 6]!;
    low += bytes[index + 1]! + bytes[index + 3]! + bytes[index + 5]! + bytes[index + 7]!;
    index += 8;
  }
  for (; index + 1 < end; index += 2) {
    high += bytes[index]!;
    low += bytes[index + 1]!;
  }
  if (index < end) high += bytes[index]!;
  return high * 256 + low;
}

/** Returns the pseudo header's sum (RFC 9293 3.1, RFC 8200 8.1) for IPv4 or IPv6. */
export function sumPseudoHeader(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  length: number,
): number {
  return (
    sumBytes(source, 0, source.length) +
    sumBytes(destination, 0, destination.length) +
    protocol +
    length
  );
}

/** Returns the checksum field for a sum below 2^48: folded to 16 bits and complemented. */
export function finishChecksum(sum: number): number {
  let folded = sum > 0xffffffff ? (sum % 0x10000) + Math.floor(sum / 0x10000) : sum;
  folded = (folded & 0xffff) + (folded >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/** Whether a message is intact, given the sum over all its bytes including the checksum. */
export function isChecksumValid(sum: number): boolean {
  return finishChecksum(sum) === 0;
}
