/** Converts struct sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)) to and from Node's text format. */
import { formatIpAddress, type IpAddress, parseIpAddress } from '../../../wire/ip-address.js';
import type { Libc, LibcFunction } from '../libc.js';
import { LITTLE_ENDIAN } from '../machine-word.js';

export const AF_INET = 2;
export const AF_INET6 = 10;

/** The size of sockaddr_in6, the larger struct. */
export const SOCKET_ADDRESS_LENGTH = 28;

const PORT = 2;
const IPV4_ADDRESS = 4;
const IPV4_LENGTH = 16;
const IPV6_ADDRESS = 8;
const IPV6_SCOPE = 24;

const INTERFACE_NAME_LENGTH = 16;

/** The prefix ::ffff:0:0/96, under which an IPv6 socket sees IPv4 addresses (RFC 4291 2.5.5.2). */
const MAPPED = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);

/** Converts socket addresses. A zone is an interface (RFC 4007 11); libc returns its index. */
export class SocketAddresses {
  readonly #libc: Libc;
  readonly #nameToIndex: LibcFunction;
  readonly #indexToName: LibcFunction;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#nameToIndex = libc.bind('unsigned int if_nametoindex(const char *)');
    this.#indexToName = libc.bind('uintptr_t if_indextoname(unsigned int, uintptr_t)');
  }

  /**
   * @param family the socket's family; an IPv6 socket reaches IPv4 through mapped addresses
   * @returns undefined for an IP address that is invalid or that such a socket cannot reach
   */
  encode(address: string, port: number, family: number): Uint8Array | undefined {
    const [text = '', zone] = address.split('%', 2);
    const ip = parseIpAddress(text);
    if (ip === undefined) return undefined;
    if (family === AF_INET) return ip.length === 4 ? encodeIpv4(ip, port) : undefined;
    const scope = zone === undefined ? 0 : this.#scope(zone);
    if (scope === undefined) return undefined;
    return encodeIpv6(ip.length === 4 ? mapped(ip) : ip, port, scope);
  }

  /** Returns the address and port of a system socket address, in node:dgram's text format. */
  decode(bytes: Uint8Array): { address: string; port: number } {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const port = view.getUint16(PORT);
    if (bytes.length < SOCKET_ADDRESS_LENGTH) {
      const ip = bytes.subarray(IPV4_ADDRESS, IPV4_ADDRESS + 4);
      return { address: formatIpAddress(ip), port };
    }
    const ip = bytes.subarray(IPV6_ADDRESS, IPV6_ADDRESS + 16);
    if (isMapped(ip)) return { address: `::ffff:${formatIpAddress(ip.subarray(12))}`, port };
    const scope = view.getUint32(IPV6_SCOPE, LITTLE_ENDIAN);
    return { address: formatIpAddress(ip) + (scope === 0 ? '' : `%${this.#zone(scope)}`), port };
  }

  #scope(zone: string): number | undefined {
    if (/^\d{1,9}$/.test(zone)) return Number(zone);
    const index = this.#nameToIndex(zone);
    return index === 0 ? undefined : index;
  }

  #zone(scope: number): string {
    const name = Buffer.alloc(INTERFACE_NAME_LENGTH * 8);
    if (this.#indexToName(scope, Number(this.#libc.address(name))) === 0) return String(scope);
    return name.toString('latin1', 0, name.indexOf(0));
  }
}

/** Whether datagrams to this socket address are sent as IPv4. */
export function isIpv4OnTheWire(socketAddress: Uint8Array): boolean {
  return (
    socketAddress.length === IPV4_LENGTH ||
    isMapped(socketAddress.subarray(IPV6_ADDRESS, IPV6_ADDRESS + 16))
  );
}

function encodeIpv4(ip: IpAddress, port: number): Uint8Array {
  const bytes = new Uint8Array(IPV4_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, LITTLE_ENDIAN);
  view.setUint16(PORT, port);
  bytes.set(ip, IPV4_ADDRESS);
  return bytes;
}

function encodeIpv6(ip: IpAddress, port: number, scope: number): Uint8Array {
  const bytes = new Uint8Array(SOCKET_ADDRESS_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET6, LITTLE_ENDIAN);
  view.setUint16(PORT, port);
  bytes.set(ip, IPV6_ADDRESS);
  view.setUint32(IPV6_SCOPE, scope, LITTLE_ENDIAN);
  return bytes;
}

function mapped(ip: IpAddress): IpAddress {
  const bytes = new Uint8Array(16);
  bytes.set(MAPPED);
  bytes.set(ip, MAPPED.length);
  return bytes;
}

function isMapped(ip: IpAddress): boolean {
  return MAPPED.every((byte, index) => ip[index] === byte);
}
