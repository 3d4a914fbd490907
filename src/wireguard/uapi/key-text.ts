import { KEY_LENGTH } from '../constants.js';

/** A key as the userspace interface has it, in hexadecimal digits; undefined for text that is none. */
export function parseKey(text: string): Uint8Array | undefined {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) return undefined;
  return Uint8Array.from({ length: KEY_LENGTH }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  );
}
