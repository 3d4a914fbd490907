/**
 * The packets between the two ends. Each is computed from its serial number, so that the receiver
 * can recompute and compare it: any change is detected without storing a copy.
 */
import { packetInSlot, PacketSlots } from '../../src/lib/packets/packet-slot.js';
import { parseIpAddress, type IpAddress } from '../../src/wire/ip-address.js';
import { otherSide, type Side } from './end.js';
import { Random } from './random.js';

/** Stored here, because a lookup among jest's globals takes longer than the multiplication. */
const { imul } = Math;

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
/** Serial number, side and checksum, after the IP header. */
const OWN_HEADER = 9;
const SHORTEST = IPV6_HEADER + OWN_HEADER;

const ADDRESSES: Record<Side, { readonly ipv4: IpAddress; readonly ipv6: IpAddress }> = {
  alice: { ipv4: parseIpAddress('10.0.0.1')!, ipv6: parseIpAddress('fd00::1')! },
  bob: { ipv4: parseIpAddress('10.0.0.2')!, ipv6: parseIpAddress('fd00::2')! },
};

/** The inner addresses of a side, as prefixes in text form. */
export const PREFIXES: Record<Side, readonly string[]> = {
  alice: ['10.0.0.1/32', 'fd00::1/128'],
  bob: ['10.0.0.2/32', 'fd00::2/128'],
};

export class PacketMaker {
  readonly #seed: number;
  readonly #longest: number;
  readonly #slots = new PacketSlots();

  constructor(seed: number, mtu: number) {
    this.#seed = seed;
    this.#longest = mtu;
  }

  /** Packet number `serial` from `side`, in its own slot. */
  slot(side: Side, serial: number): Uint8Array {
    const packet = this.packet(side, serial);
    const slot = this.#slots.allocate(packet.length);
    packetInSlot(slot).set(packet);
    return slot;
  }

  packet(side: Side, serial: number): Uint8Array {
    const random = new Random(this.#seed, side === 'alice' ? 21 : 22, serial);
    const isIpv6 = random.chance(0.25);
    const length = random.chance(0.5)
      ? random.between(SHORTEST, 200)
      : random.between(SHORTEST, this.#longest);
    const packet = new Uint8Array(length);
    const view = new DataView(packet.buffer);
    const header = isIpv6 ? writeIpv6(packet, side) : writeIpv4(packet, side);
    view.setUint32(header, serial);
    packet[header + 4] = side === 'alice' ? 1 : 2;
    for (let offset = header + OWN_HEADER; offset + 4 <= length; offset += 4) {
      view.setUint32(offset, random.uint32());
    }
    view.setUint32(header + 5, checksum(packet));
    return packet;
  }
}

/** The serial number in a packet from `side`; undefined if it is invalid or was altered. */
export function serialOf(packet: Uint8Array, side: Side): number | undefined {
  const header = packet[0]! >> 4 === 6 ? IPV6_HEADER : IPV4_HEADER;
  if (packet.length < header + OWN_HEADER) return undefined;
  const copy = packet.slice();
  const view = new DataView(copy.buffer);
  const sum = view.getUint32(header + 5);
  view.setUint32(header + 5, 0);
  if (checksum(copy) !== sum || copy[header + 4] !== (side === 'alice' ? 1 : 2)) return undefined;
  return view.getUint32(header);
}

/** FNV-1a over the packet with its checksum zero. */
function checksum(packet: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < packet.length; index++) {
    hash = imul(hash ^ packet[index]!, 0x01000193);
  }
  return hash >>> 0;
}

function writeIpv4(packet: Uint8Array, side: Side): number {
  packet.set([0x45, 0, packet.length >> 8, packet.length, 0, 0, 0, 0, 64, 17]);
  packet.set(ADDRESSES[side].ipv4, 12);
  packet.set(ADDRESSES[otherSide(side)].ipv4, 16);
  return IPV4_HEADER;
}

function writeIpv6(packet: Uint8Array, side: Side): number {
  const length = packet.length - IPV6_HEADER;
  packet.set([0x60, 0, 0, 0, length >> 8, length, 17, 64]);
  packet.set(ADDRESSES[side].ipv6, 8);
  packet.set(ADDRESSES[otherSide(side)].ipv6, 24);
  return IPV6_HEADER;
}

/** The traffic pattern of one side. */
export interface Pattern {
  /** ms between two turns; `[low, high]`, drawn for each turn. */
  readonly interval: readonly [number, number];
  /** The number of packets in one turn. */
  readonly burst: readonly [number, number];
}

/** One packet every `interval` ms. */
export function steady(interval: number): Pattern {
  return { interval: [interval, interval], burst: [1, 1] };
}

export class Talker {
  readonly #random: Random;
  #pattern: Pattern | undefined;
  #next = Infinity;

  constructor(random: Random) {
    this.#random = random;
  }

  get pattern(): Pattern | undefined {
    return this.#pattern;
  }

  /** The time of the next turn; Infinity for never. */
  get next(): number {
    return this.#next;
  }

  /** Switches to another pattern, or stops. */
  speak(pattern: Pattern | undefined, now: number): void {
    this.#pattern = pattern;
    this.#next =
      pattern === undefined ? Infinity : now + this.#random.between(1, pattern.interval[1]);
  }

  /** Takes a turn, and returns the number of packets to send now. */
  turn(now: number): number {
    const { interval, burst } = this.#pattern!;
    this.#next = now + this.#random.between(...interval);
    return this.#random.between(...burst);
  }
}
