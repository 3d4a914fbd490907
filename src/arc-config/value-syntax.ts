/**
 * The text forms of arc.json's values, read as Go's standard library reads them. Each function
 * gives undefined for text that is none.
 */
import ipaddr from 'ipaddr.js';
import { DEFAULT_ENDPOINT_PORT, type ArcEndpoint } from './arc-config.js';

/** 32 bytes in standard base64 with padding; line ends inside are skipped, spare bits ignored. */
export function parseKey(text: string): Uint8Array | undefined {
  const digits = text.replaceAll(/[\r\n]/g, '');
  if (!/^[A-Za-z0-9+/]{43}=$/.test(digits)) return undefined;
  return Uint8Array.from(Buffer.from(digits, 'base64'));
}

export { formatKey } from '../lib/text/key-text.js';

/** An address without prefix, in canonical form; IPv4 mapped into IPv6 becomes IPv4 again. */
export function parseIp(text: string): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text;
  if (!isIpv6(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toString();
}

/** `address/length` with the host bits masked; the length is mandatory. */
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

/** IPv6 text without a zone; the zone belongs to one machine and not into a configuration. */
function isIpv6(text: string): boolean {
  return text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text);
}

/**
 * `host[:port]`, port 11010 when absent. `::1` without brackets is a host, as is `[::1]`, which
 * soratun refuses.
 */
export function parseEndpoint(text: string): ArcEndpoint | undefined {
  const { host, port } = splitHostPort(text);
  if (!isHost(host) || port === undefined) return undefined;
  return { text, host, port };
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

/** Go's Atoi and then 0 to 65535: a sign and leading zeros are tolerated. */
function parsePort(text: string | undefined): number | undefined {
  if (text === undefined) return DEFAULT_ENDPOINT_PORT;
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 0 && port <= 0xffff ? Math.abs(port) : undefined;
}

/** An address, or a name without the characters that belong to the rest of a URL. */
function isHost(host: string): boolean {
  if (host.includes(':')) return isIpv6(host);
  return /^[^\p{White_Space}\p{Control}/?#@[\]%"'\\]+$/u.test(host);
}
