/**
 * A name that no resolver finds. Its first label is longer than the 63 bytes of DNS (RFC 1035
 * 2.3.4), so that the resolver refuses it without a query, even if no name server answers.
 */
export const IMPOSSIBLE_NAME = `${'no-such-host'.repeat(6)}.invalid`;
