/** Seals and opens a message whose text and tag lie one after the other in a buffer. */
import type { TransportKey } from '../../src/crypto/crypto.js';

const TAG_LENGTH = 16;

/** Encrypts `length` bytes at `offset`, and writes the tag after them. */
export function sealAt(
  key: TransportKey,
  buffer: Uint8Array,
  offset: number,
  length: number,
  counter: number,
): void {
  const end = offset + length;
  key.seal(buffer.subarray(offset, end), buffer.subarray(end, end + TAG_LENGTH), counter);
}

/** Decrypts `length` bytes at `offset`, which end with the tag. False if they are too short for a tag. */
export function openAt(
  key: TransportKey,
  buffer: Uint8Array,
  offset: number,
  length: number,
  counter: number,
): boolean {
  if (length < TAG_LENGTH) return false;
  const end = offset + length - TAG_LENGTH;
  return key.open(buffer.subarray(offset, end), buffer.subarray(end, end + TAG_LENGTH), counter);
}
