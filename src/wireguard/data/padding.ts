import { PADDING_MULTIPLE } from '../constants.js';

/**
 * Returns the packet length after zero padding to a multiple of 16 bytes, up to the MTU. A longer
 * outer packet would not fit the path (whitepaper 5.4.6).
 */
export function paddedLength(length: number, mtu: number): number {
  // A packet longer than the MTU is padded like its last MTU-sized piece, as in the Linux kernel.
  const lastUnit = length > mtu ? length % mtu : length;
  const aligned = Math.ceil(lastUnit / PADDING_MULTIPLE) * PADDING_MULTIPLE;
  return length - lastUnit + Math.min(mtu, aligned);
}
