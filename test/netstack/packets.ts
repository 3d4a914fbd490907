/** Hand-written packets with their own checksum code, for tests that must not trust src/wire. */
import { packetInSlot } from '../../src/lib/packets/packet-slot.js';
import { Stack, type StackOptions } from '../../src/netstack/stack.js';
import type { IpAddress } from '../../src/wire/ip-address.js';
import { ip, seededEntropy } from '../support/pairs/netstack-pair.js';

export const OUR_V4 = ip('10.0.0.1');
export const PEER_V4 = ip('10.0.0.2');
export const OUR_V6 = ip('fd00::1');
export const PEER_V6 = ip('fd00::2');

export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMPV6 = 58;

export function word(value: number): [number, number] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

export function long(value: number): [number, number, number, number] {
  return [...word(value >>> 16), ...word(value & 0xffff)];
}

/** RFC 1071, word by word. */
export function checksum(bytes: readonly number[]): [number, number] {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2) {
    sum += bytes[index]! * 256 + (bytes[index + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return word(0xffff - sum);
}

export interface Ends {
  readonly from?: IpAddress;
  readonly to?: IpAddress;
}

export interface V4Fields extends Ends {
  readonly options?: readonly number[];
  readonly id?: number;
  /** Flags and fragment offset in bytes. */
  readonly more?: boolean;
  readonly start?: number;
}

export function v4(protocol: number, data: readonly number[], fields: V4Fields = {}): Uint8Array {
  const { from = PEER_V4, to = OUR_V4, options = [], id = 0, more = false, start = 0 } = fields;
  const length = 20 + options.length;
  const header = [
    0x40 + length / 4,
    0,
    ...word(length + data.length),
    ...word(id),
    ...word((more ? 0x2000 : 0) + start / 8),
    64,
    protocol,
    0,
    0,
    ...from,
    ...to,
    ...options,
  ];
  [header[10], header[11]] = checksum(header);
  return Uint8Array.of(...header, ...data);
}

export function v6(nextHeader: number, data: readonly number[], ends: Ends = {}): Uint8Array {
  const { from = PEER_V6, to = OUR_V6 } = ends;
  return Uint8Array.of(
    ...[0x60, 0, 0, 0],
    ...word(data.length),
    nextHeader,
    64,
    ...from,
    ...to,
    ...data,
  );
}

/** An IPv6 fragment header and its data. */
export function fragmentOf(
  nextHeader: number,
  data: readonly number[],
  place: { id: number; start: number; more: boolean },
): number[] {
  return [nextHeader, 0, ...word(place.start + (place.more ? 1 : 0)), ...long(place.id), ...data];
}

function pseudo(protocol: number, length: number, { from, to }: Ends, isIpv6: boolean): number[] {
  const [source, destination] = isIpv6
    ? [from ?? PEER_V6, to ?? OUR_V6]
    : [from ?? PEER_V4, to ?? OUR_V4];
  return [...source, ...destination, ...long(length), 0, 0, 0, protocol];
}

/** A UDP datagram with its checksum, for the family of `ends` or of `isIpv6`. */
export function udp(
  [sourcePort, port]: readonly [number, number],
  data: readonly number[],
  isIpv6: boolean,
  ends: Ends = {},
): number[] {
  const length = 8 + data.length;
  const bytes = [...word(sourcePort), ...word(port), ...word(length), 0, 0, ...data];
  [bytes[6], bytes[7]] = checksum([...pseudo(UDP, length, ends, isIpv6), ...bytes]);
  return bytes;
}

/** An ICMP message; `rest` begins after the checksum. */
export function icmp(type: number, code: number, rest: readonly number[]): number[] {
  const bytes = [type, code, 0, 0, ...rest];
  [bytes[2], bytes[3]] = checksum(bytes);
  return bytes;
}

export function icmpv6(
  type: number,
  code: number,
  rest: readonly number[],
  ends: Ends = {},
): number[] {
  const bytes = [type, code, 0, 0, ...rest];
  [bytes[2], bytes[3]] = checksum([...pseudo(ICMPV6, bytes.length, ends, true), ...bytes]);
  return bytes;
}

/**
 * Whether the checksums of a packet from the stack are valid: of the IPv4 header and of its
 * payload.
 */
export function isIntact(packet: Uint8Array): boolean {
  const isZero = (bytes: readonly number[]) => checksum(bytes).every((byte) => byte === 0);
  const isIpv6 = packet[0]! >> 4 === 6;
  const headerLength = isIpv6 ? 40 : 20;
  const protocol = packet[isIpv6 ? 6 : 9]!;
  const upper = [...packet.subarray(headerLength)];
  const addresses = [...packet.subarray(isIpv6 ? 8 : 12, headerLength)];
  const isHeaderIntact = isIpv6 || isZero([...packet.subarray(0, 20)]);
  const front = protocol === ICMP ? [] : [...addresses, ...long(upper.length), 0, 0, 0, protocol];
  return isHeaderIntact && isZero([...front, ...upper]);
}

/** A stack with an address of each family; the test plays the peer. */
export class Host {
  readonly stack: Stack;
  now = 10_000;

  constructor(options: Partial<StackOptions> = {}) {
    this.stack = new Stack(
      { addresses: [OUR_V4, OUR_V6], mtu: 1420, entropy: seededEntropy(3), ...options },
      this.now,
    );
  }

  receives(...packets: Uint8Array[]): this {
    for (const packet of packets) this.stack.handlePacket(packet, this.now);
    return this;
  }

  sends(): Uint8Array[] {
    const sent: Uint8Array[] = [];
    while (this.stack.drain((slot) => sent.push(packetInSlot(slot).slice()), this.now));
    return sent;
  }

  /** Advances the time by `ms`. */
  after(ms: number): this {
    this.now += ms;
    this.stack.handleTimeout(this.now);
    return this;
  }

  get drops(): Record<string, number> {
    return Object.fromEntries(this.stack.drops);
  }
}
