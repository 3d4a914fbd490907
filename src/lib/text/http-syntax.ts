/** The parts of HTTP's grammar that several readers of it share. */

/** A token (RFC 9110 5.6.2): a method, or the name of a field. */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

/** A field's value (RFC 9110 5.5): visible characters, spaces, tabs and bytes above 0x7f. */
export function isFieldValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}
