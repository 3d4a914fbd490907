/** The hosts that a client may name as its target, in the one spelling that dialers take. */
import { isIP } from 'node:net';

import ipaddr from 'ipaddr.js';

/** RFC 1123 2.1, and the underscore, which names of services have. */
const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/;

/** RFC 1035 2.3.4, with the dot of the root. */
const MAX_NAME_LENGTH = 254;

/**
 * Reads an IP address or a host name; undefined for anything else.
 *
 * What ends in a number is meant as an address, and resolvers make their own sense of `127.1` and
 * `0x7f000001`: only four decimal numbers are one.
 */
export function readTargetHost(text: string): string | undefined {
  const version = isIP(text);
  if (text.includes('%')) return undefined;
  if (version === 4) return text;
  if (version === 6) return plainAddress(ipaddr.parse(inHexadecimal(text)));
  if (text.length > MAX_NAME_LENGTH || !HOST_NAME.test(text) || text.includes('..'))
    return undefined;
  const labels = text.replace(/\.$/, '').split('.');
  return /^(\d+|0x[0-9a-f]*)$/i.test(labels.at(-1) ?? '') ? undefined : text;
}

/**
 * An IPv6 text without decimals at its end (RFC 4291 2.2, form 3). The parser would take the address
 * `::1.2.3.4` for the mapped one, which is another.
 */
function inHexadecimal(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_quad, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
}

/** The text of an address of 4 or 16 bytes. */
export function addressText(bytes: Uint8Array): string {
  return plainAddress(ipaddr.fromByteArray([...bytes]));
}

/** RFC 4291 2.5.5.2: an IPv4 address that was mapped into IPv6 means the IPv4 one. */
function plainAddress(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  if (address.isIPv4MappedAddress()) return address.toIPv4Address().toString();
  return address.toRFC5952String();
}
