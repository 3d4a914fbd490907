/** Generates random IDs. */
import type { Entropy } from '../ports/entropy.js';

/** @param length the number of bytes; the string has twice as many digits */
export function randomHex(entropy: Entropy, length: number): string {
  return randomBytes(entropy, length).toString('hex');
}

/** Generates an ID in UUID format, without valid version bits. */
export function randomUuid(entropy: Entropy): string {
  return randomHex(entropy, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function randomBytes(entropy: Entropy, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  entropy.fill(bytes);
  return bytes;
}
