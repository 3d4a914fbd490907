/** Opens messages that may be too short for a tag. */
import type { TransportKey } from '../../src/crypto/crypto.js';

const TAG_LENGTH = 16;

/** Decrypts `length` bytes at `offset`, which end with the tag. False if they are too short for a tag. */
export function openAt(
  key: TransportKey,
  buffer: Uint8Array,
  offset: number,
  length: number,
  counter: number,
): boolean {
  if (length < TAG_LENGTH) return false;
  return key.open(buffer, offset, length - TAG_LENGTH, counter);
}
