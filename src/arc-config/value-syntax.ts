/**
 * Parses the strings in arc.json like Go's standard library. The parsers return undefined for an
 * invalid string.
 */
import ipaddr from 'ipaddr.js';
import { DEFAULT_ENDPOINT_PORT, type ArcEndpoint } from './arc-config.js';

/** Parses 32 bytes in standard base64 with padding; skips newlines and ignores surplus bits. */
export function parseKey(text: string): Uint8Array | undefined {
  const digits = text.replaceAll(/[\r\n]/g, '');
  if (!/^[A-Za-z0-9+/]{43}=$/.test(digits)) return undefined;
  return Uint8Array.from(Buffer.from(digits, 'base64'));
}

export { formatKey } from '../lib/text/key-text.js';

/** Parses an address to its canonical form; an IPv4-mapped IPv6 address becomes IPv4. */
export function parseIp(text: string): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text;
  if (!isIpv6(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toString();
}

/** Parses `address/length` and clears the host bits; the length is required. */
export function parseCidr(text: string): string | undefined {
  const [, address = '', digits = ''] = /^([^/]*)\/(\d{1,9})$/.exec(text) ?? [];
  const length = Number(digits);
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) {
    if (length > 32) return undefined;
    return `${ipaddr.IPv4.networkAddressFromCIDR(`${address}/${length}`).toString()}/${length}`;
  }
  if (!isIpv6(address) || length > 128) return undefined;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/${length}`).toString()}/${length}`;
}

/**
 * Whether the string is an IPv6 address without a zone. Zones are not accepted, because a zone is
 * valid on only one machine.
 */
function isIpv6(text: string): boolean {
  return text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text);
}

/**
 * Parses `host[:port]`; the port defaults to 11010. Accepts `::1` without brackets as a host, and
 * also `[::1]`, which soratun rejects. Converts an IP address to its canonical form, in which the
 * system reports the server's address.
 */
export function parseEndpoint(text: string): ArcEndpoint | undefined {
  const { host, port } = splitHostPort(text);
  if (!isHost(host) || port === undefined) return undefined;
  return { text, host: parseIp(host) ?? host, port };
}

function splitHostPort(text: string): { host: string; port: number | undefined } {
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed !== null) {
    const [, host = '', port] = bracketed;
    return { host, port: parsePort(port) };
  }
  const colon = text.lastIndexOf(':');
  const head = text.slice(0, Math.max(colon, 0));
  if (colon < 0 || head.includes(':')) return { host: text, port: DEFAULT_ENDPOINT_PORT };
  return { host: head, port: parsePort(text.slice(colon + 1)) };
}

/** Parses a port from 0 to 65535 like Go's Atoi: a sign and leading zeros are allowed. */
function parsePort(text: string | undefined): number | undefined {
  if (text === undefined) return DEFAULT_ENDPOINT_PORT;
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 0 && port <= 0xffff ? Math.abs(port) : undefined;
}

/** Whether the string is an IP address, or a name without the delimiters of a URL. */
function isHost(host: string): boolean {
  if (host.includes(':')) return isIpv6(host);
  return /^[^\p{White_Space}\p{Control}/?#@[\]%"'\\]+$/u.test(host);
}
