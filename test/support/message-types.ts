/**
 * The first byte of each of the four WireGuard messages, as an observer sees it (whitepaper 5.4).
 */
export const INITIATION = 1;
export const RESPONSE = 2;
export const COOKIE_REPLY = 3;
export const DATA = 4;
