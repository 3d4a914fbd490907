/**
 * The Internet checksum (RFC 1071). A sum is a plain number; sums of parts are added together, so
 * that a pseudo header is never copied in front of its segment.
 *
 * Invariant: a part that is not the last has an even length.
 */
import type { IpAddress } from './ip-address.js';

/**
 * The sum of the 16-bit words of `bytes[offset, offset + length)`, not folded. An odd last byte
 * counts as if a zero byte followed it (RFC 1071 1).
 */
export function sumBytes(bytes: Uint8Array, offset: number, length: number): number {
  // High and low octets are summed apart: the carries meet once, at the end. 64 KiB stay below 2^31.
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

/** The sum of an upper-layer pseudo header (RFC 9293 3.1, RFC 8200 8.1) for either family. */
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

/** The checksum field for a sum: folded to 16 bits and complemented. Sums stay below 2^48. */
export function finishChecksum(sum: number): number {
  let folded = sum > 0xffffffff ? (sum % 0x10000) + Math.floor(sum / 0x10000) : sum;
  folded = (folded & 0xffff) + (folded >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/** Whether a sum taken over a whole message, checksum field included, shows no error. */
export function isChecksumValid(sum: number): boolean {
  return finishChecksum(sum) === 0;
}
