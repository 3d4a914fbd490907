/**
 * Writes a message counter into its nonce: 32 zero bits, then the counter as a little-endian u64
 * (whitepaper 5.4.6). The first four bytes of `nonce` must already be zero.
 */
export function writeCounterNonce(nonce: Uint8Array, counter: number): void {
  const low = counter >>> 0;
  // Divide, because shifts truncate to 32 bits. The result is exact below 2^53.
  const high = (counter - low) / 0x1_0000_0000;
  nonce[4] = low;
  nonce[5] = low >>> 8;
  nonce[6] = low >>> 16;
  nonce[7] = low >>> 24;
  nonce[8] = high;
  nonce[9] = high >>> 8;
  nonce[10] = high >>> 16;
  nonce[11] = high >>> 24;
}
