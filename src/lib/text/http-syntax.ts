/** Parts of the HTTP grammar that several modules share. */

/** Whether the string is a token, such as a method or a field name (RFC 9110 5.6.2). */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

/**
 * Whether the string is a field value: visible characters, blanks and bytes above 0x7f (RFC 9110
 * 5.5).
 */
export function isFieldValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

/** Formats `host:port`, with brackets around an IPv6 address (RFC 3986 3.2.2). */
export function formatAuthority({ host, port }: { host: string; port: number }): string {
  return `${bracketed(host)}:${port}`;
}

/** Puts an IPv6 address in brackets (RFC 3986 3.2.2). */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
