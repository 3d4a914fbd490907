import { TAG_LENGTH } from './crypto.js';

/** Checks the place of a text, which native code does not. @throws RangeError */
export function requireText(message: Uint8Array, offset: number, length: number): void {
  // Negated, so that NaN is refused as well.
  if (!(offset >= 0 && length >= 0 && offset + length + TAG_LENGTH <= message.length)) {
    throw new RangeError('the text and its tag must be inside the message');
  }
}
