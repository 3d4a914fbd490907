/** The header of a relayed datagram (RFC 1928 7). */
import { readTargetHost } from '../../target-host.js';
import type { DatagramAddress } from '../../datagram-dialer.js';
import { ADDRESS_TYPE } from '../messages.js';

export interface UdpHeader {
  /** The length in bytes; the payload follows. */
  readonly length: number;
  /** The target: an address of 4 or 16 bytes, which is part of the datagram, or a name. */
  readonly host: Uint8Array | string;
  readonly port: number;
}

/** The length of RSV, FRAG and ATYP. */
const START = 4;

/** RFC 4291 2.5.5.2: the first bytes of an IPv4-mapped address, which end in 0xffff. */
const MAPPED_ZEROS = 10;
const MAPPED_LENGTH = 12;

/** Parses the header of a datagram from the client. Never throws. */
export function readUdpHeader(bytes: Uint8Array): UdpHeader | 'fragment' | 'malformed' {
  // RFC 1928 7: an implementation that does not support fragmentation MUST drop every datagram
  // whose FRAG field is not 0.
  if (bytes.length > 2 && bytes[2] !== 0) return 'fragment';
  const type = bytes[3];
  if (type === ADDRESS_TYPE.ipv4) return withAddress(bytes, 4);
  if (type === ADDRESS_TYPE.ipv6) return withAddress(bytes, 16);
  return type === ADDRESS_TYPE.name ? withName(bytes) : 'malformed';
}

function withAddress(bytes: Uint8Array, size: number): UdpHeader | 'malformed' {
  const end = START + size;
  const port = portAt(bytes, end);
  if (port === 0) return 'malformed';
  const start = size === 16 && isMapped(bytes) ? START + MAPPED_LENGTH : START;
  return { length: end + 2, host: bytes.subarray(start, end), port };
}

function withName(bytes: Uint8Array): UdpHeader | 'malformed' {
  const start = START + 1;
  const end = start + (bytes[START] ?? 0);
  const port = portAt(bytes, end);
  if (port === 0) return 'malformed';
  const host = readTargetHost(Buffer.from(bytes.subarray(start, end)).toString('latin1'));
  return host === undefined ? 'malformed' : { length: end + 2, host, port };
}

/** Returns the port at `offset`; 0 if the bytes end before it. */
function portAt(bytes: Uint8Array, offset: number): number {
  if (offset + 2 > bytes.length) return 0;
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

function isMapped(bytes: Uint8Array): boolean {
  for (let index = START; index < START + MAPPED_ZEROS; index++) {
    if (bytes[index] !== 0) return false;
  }
  return bytes[START + MAPPED_ZEROS] === 0xff && bytes[START + MAPPED_ZEROS + 1] === 0xff;
}

/** Returns the payload with a header that contains its true source. */
export function withUdpHeader(payload: Uint8Array, { address, port }: DatagramAddress): Uint8Array {
  const end = START + address.length;
  const bytes = Buffer.allocUnsafe(end + 2 + payload.length);
  bytes[0] = bytes[1] = bytes[2] = 0;
  bytes[3] = address.length === 16 ? ADDRESS_TYPE.ipv6 : ADDRESS_TYPE.ipv4;
  bytes.set(address, START);
  bytes[end] = port >> 8;
  bytes[end + 1] = port & 0xff;
  bytes.set(payload, end + 2);
  return bytes;
}
