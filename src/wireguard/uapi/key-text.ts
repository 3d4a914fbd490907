import { KEY_LENGTH } from '../constants.js';

/** Parses a key of 64 hexadecimal digits, as in the userspace interface; undefined if invalid. */
export function parseKey(text: string): Uint8Array | undefined {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) return undefined;
  return Uint8Array.from({ length: KEY_LENGTH }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  );
}
