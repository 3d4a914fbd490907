/** Base64 of text, which may be a configuration with its keys. */

/** Longer than most names, in both alphabets. */
export const LONG_RUN = /[A-Za-z0-9+/_-]{40,}/g;

/** Of what is no text, such as the names of folders, about a third of the bytes is printable. */
const PRINTABLE_SHARE = 0.85;

/** Base64 of text in both alphabets, at whichever of four digits it begins. */
export function isEncodedText(digits: string): boolean {
  const standard = digits.replaceAll('-', '+').replaceAll('_', '/');
  return [0, 1, 2, 3].some((start) => {
    const length = standard.length - start;
    // Without a rest that is no whole group of four.
    const bytes = atob(standard.slice(start, start + length - (length % 4)));
    const printable = bytes.replaceAll(/[^\x20-\x7e\n]/g, '');
    return bytes !== '' && printable.length >= bytes.length * PRINTABLE_SHARE;
  });
}
