/** The DSCP and ECN byte of IP headers (RFC 2474 3, RFC 3168 5). Accessors take header offsets. */
import { readUint16, writeUint16 } from './bytes.js';
import { finishChecksum } from './checksum.js';

/** Values of the ECN field, the low two bits (RFC 3168 5). */
export const NOT_ECT = 0;
export const ECT_0 = 2;
export const CONGESTION_EXPERIENCED = 3;

const ECN = 0x03;

const IPV4_CHECKSUM = 10;

/** Returns the ECN field of an IPv4 or IPv6 packet of at least two bytes. */
export function ecnAt(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + 1]! >> ecnShift(bytes, offset)) & ECN;
}

/**
 * Applies the ECN field of an outer datagram to its inner packet at tunnel egress (RFC 6040 4.2).
 *
 * @param outer the traffic class of the datagram
 * @returns false if the packet must be dropped: the datagram was marked because of congestion, but
 * the packet cannot be marked
 */
export function decapsulateEcn(bytes: Uint8Array, offset: number, outer: number): boolean {
  const arrived = outer & ECN;
  if (arrived === NOT_ECT || arrived === ECT_0) return true;
  const inner = ecnAt(bytes, offset);
  if (inner === NOT_ECT) return arrived !== CONGESTION_EXPERIENCED;
  if (inner !== CONGESTION_EXPERIENCED) writeEcn(bytes, offset, arrived);
  return true;
}

function writeEcn(bytes: Uint8Array, offset: number, ecn: number): void {
  const shift = ecnShift(bytes, offset);
  const before = readUint16(bytes, offset);
  const after = (before & ~(ECN << shift)) | (ecn << shift);
  writeUint16(bytes, offset, after);
  if (bytes[offset]! >> 4 !== 4) return;
  // Updates the checksum incrementally (RFC 1624 3, equation 3), so a wrong checksum stays wrong.
  const checksum = readUint16(bytes, offset + IPV4_CHECKSUM);
  const sum = (~checksum & 0xffff) + (~before & 0xffff) + after;
  writeUint16(bytes, offset + IPV4_CHECKSUM, finishChecksum(sum));
}

/** In IPv6, the traffic class spans two bytes, after the 4-bit version (RFC 8200 3). */
function ecnShift(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! >> 4 === 4 ? 0 : 4;
}
