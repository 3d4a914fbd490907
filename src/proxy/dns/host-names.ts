/** Names with fixed addresses, which are looked up without a name server. */
import ipaddr from 'ipaddr.js';

/** The IP addresses of each name, in text form. Names are in lower case, without a final dot. */
export type HostNames = ReadonlyMap<string, readonly string[]>;

/** The message that is logged once if addresses of fallback names are used. */
export const FALLBACK_NOTE =
  "the name servers do not answer; using the documented addresses of SORACOM's services";

/** Returns the name in the form of the keys of HostNames. */
export function hostKey(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}

/** Returns the names of each address, by the name of the address's PTR record. */
export function reverseNames(hosts: HostNames): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const [name, addresses] of hosts) {
    for (const address of addresses) {
      const key = reverseName(address);
      names.set(key, [...(names.get(key) ?? []), name]);
    }
  }
  return names;
}

/**
 * Returns the name of an address's PTR record (RFC 1035 3.5, RFC 3596 2.5).
 *
 * @throws Error for text that is not an IP address
 */
export function reverseName(address: string): string {
  const bytes = ipaddr.parse(address).toByteArray();
  if (bytes.length === 4) return `${bytes.reverse().join('.')}.in-addr.arpa`;
  const nibbles = bytes.flatMap((byte) => [byte >> 4, byte & 0x0f]).reverse();
  return `${nibbles.map((nibble) => nibble.toString(16)).join('.')}.ip6.arpa`;
}
