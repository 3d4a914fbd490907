/** Normalizes the target hosts that clients request. */
import { isIP } from 'node:net';

import ipaddr from 'ipaddr.js';

/** The names of RFC 1123 2.1, and names with underscores, which are used for services. */
const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/;

/** The maximum length of RFC 1035 2.3.4, including the dot of the root. */
const MAX_NAME_LENGTH = 254;

/** The maximum length of a label (RFC 1035 2.3.4). */
const MAX_LABEL_LENGTH = 63;

/**
 * Parses an IP address or a host name; undefined for any other string.
 *
 * A name that ends in a number must be an address with four decimal numbers, because resolvers
 * interpret `127.1` and `0x7f000001` differently.
 */
export function readTargetHost(text: string): string | undefined {
  const version = isIP(text);
  if (text.includes('%')) return undefined;
  if (version === 4) return text;
  if (version === 6) return plainAddress(ipaddr.parse(inHexadecimal(text)));
  if (text.length > MAX_NAME_LENGTH || !HOST_NAME.test(text) || text.includes('..'))
    return undefined;
  const labels = text.replace(/\.$/, '').split('.');
  if (labels.some((label) => label.length > MAX_LABEL_LENGTH)) return undefined;
  return /^(\d+|0x[0-9a-f]*)$/i.test(labels.at(-1) ?? '') ? undefined : text;
}

/**
 * Converts a dotted-decimal IPv6 suffix to hexadecimal (RFC 4291 2.2, form 3). The parser would
 * confuse `::1.2.3.4` with the IPv4-mapped address.
 */
function inHexadecimal(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_quad, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
}

export function addressText(bytes: Uint8Array): string {
  return plainAddress(ipaddr.fromByteArray([...bytes]));
}

/** Converts an IPv4-mapped IPv6 address to IPv4 (RFC 4291 2.5.5.2). */
function plainAddress(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  if (address.isIPv4MappedAddress()) return address.toIPv4Address().toString();
  return address.toRFC5952String();
}
