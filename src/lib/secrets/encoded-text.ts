/** Detects base64-encoded text, which may be a configuration with its keys. */

/** Matches a run of base64 digits, of either alphabet, that is longer than most names. */
export const LONG_RUN = /[A-Za-z0-9+/_-]{40,}/g;

/**
 * The minimum share of printable bytes in text. If digits do not encode text, such as those in
 * folder names, only about one third of the decoded bytes are printable.
 */
const PRINTABLE_SHARE = 0.85;

/**
 * Whether base64 digits of either alphabet encode text, if decoding starts at one of the first four
 * digits.
 */
export function isEncodedText(digits: string): boolean {
  const standard = digits.replaceAll('-', '+').replaceAll('_', '/');
  return [0, 1, 2, 3].some((start) => {
    const length = standard.length - start;
    // Ignore an incomplete last group.
    const bytes = atob(standard.slice(start, start + length - (length % 4)));
    const printable = bytes.replaceAll(/[^\x20-\x7e\n]/g, '');
    return bytes !== '' && printable.length >= bytes.length * PRINTABLE_SHARE;
  });
}
