import { PADDING_MULTIPLE } from '../constants.js';

/**
 * The length of a packet after zero padding to a multiple of 16, but never beyond the MTU: the
 * outer packet would not fit the path (whitepaper 5.4.6).
 */
export function paddedLength(length: number, mtu: number): number {
  // A packet longer than the MTU is padded as its last MTU-sized piece would be, as in the kernel.
  const lastUnit = length > mtu ? length % mtu : length;
  const aligned = Math.ceil(lastUnit / PADDING_MULTIPLE) * PADDING_MULTIPLE;
  return length - lastUnit + Math.min(mtu, aligned);
}
