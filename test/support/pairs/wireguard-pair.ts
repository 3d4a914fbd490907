/**
 * Two WireGuard devices, the link between them, and an eavesdropper, all in virtual time. Waiting
 * takes no real time, and a seed reproduces a failure.
 */
import type { Crypto } from '../../../src/crypto/crypto.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { PacketSlots, packetInSlot } from '../../../src/lib/packets/packet-slot.js';
import { parseIpAddress, parseIpPrefix, type IpPrefix } from '../../../src/wire/ip-address.js';
import type { Endpoint } from '../../../src/ports/datagram.js';
import { Device, type DeviceEvent, type Peer } from '../../../src/wireguard/device.js';
import { seededBytes, seededEntropy } from '../fakes/seeded-entropy.js';

export type Side = 'alice' | 'bob';

/**
 * A message as the eavesdropper captured it: a copy of the sent bytes, made before in-place
 * decryption.
 */
export interface Capture {
  readonly from: Side;
  readonly at: number;
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly destination: Endpoint;
  readonly trafficClass: number;
  readonly isSourceInDoubt: boolean;
}

export interface PairOptions {
  readonly seed?: number;
  readonly crypto?: Crypto;
  /** One-way latency in ms. */
  readonly latency?: number;
  readonly mtu?: number;
  /** Persistent keepalive in milliseconds, for alice's and bob's peer. */
  readonly aliceKeepalive?: number;
  readonly bobKeepalive?: number;
  readonly alicePsk?: Uint8Array;
  readonly bobPsk?: Uint8Array;
  /** If false, bob learns alice's endpoint from her first message. */
  readonly bobKnowsAlice?: boolean;
  /** As in DeviceOptions, for both devices. */
  readonly sessionsOutliveSleep?: boolean;
  /** Receives each ephemeral private key itself, not a copy. */
  readonly onEphemeralKey?: (privateKey: Uint8Array) => void;
}

export class End {
  readonly device: Device;
  /** A private field, so that printing the object does not reveal the key. */
  readonly #privateKey: Uint8Array;
  /** The other end, as this device knows it. */
  peer!: Peer;
  readonly received: Uint8Array[] = [];
  /** Outgoing packets that could not be sent. */
  readonly unreachable: { packet: Uint8Array; reason: string }[] = [];
  endpoint: Endpoint;
  /** The offset of this end's wall clock; the clock advances with `now`. */
  wallClockOffset = Date.UTC(2026, 0, 1);

  constructor(device: Device, privateKey: Uint8Array, endpoint: Endpoint) {
    this.device = device;
    this.#privateKey = privateKey;
    this.endpoint = endpoint;
  }

  get privateKey(): Uint8Array {
    return this.#privateKey;
  }

  /** All events since the last call. */
  events(): DeviceEvent[] {
    const events: DeviceEvent[] = [];
    for (let event = this.device.pollEvent(); event; event = this.device.pollEvent()) {
      events.push(event);
    }
    return events;
  }
}

interface Flight extends Capture {
  readonly arrivesAt: number;
  readonly source: Endpoint;
}

export class WireguardPair {
  now = 1_000_000;
  readonly alice: End;
  readonly bob: End;
  /** All messages sent, whether they arrived or not. */
  readonly captured: Capture[] = [];
  /** Whether a message arrives. */
  link: (message: Capture) => boolean = () => true;
  /** The traffic class with which a message arrives; by default the one with which it was sent. */
  mark: (message: Capture) => number = ({ trafficClass }) => trafficClass;
  readonly crypto: Crypto;
  readonly #slots = new PacketSlots();
  readonly #latency: number;
  readonly #onEphemeralKey: ((privateKey: Uint8Array) => void) | undefined;
  readonly #sessionsOutliveSleep: boolean | undefined;
  #flights: Flight[] = [];

  constructor(options: PairOptions = {}) {
    const seed = options.seed ?? 1;
    const mtu = options.mtu ?? 1420;
    this.crypto = options.crypto ?? createNodeCrypto();
    this.#latency = options.latency ?? 10;
    this.#onEphemeralKey = options.onEphemeralKey;
    this.#sessionsOutliveSleep = options.sessionsOutliveSleep;
    this.alice = this.#createEnd('alice', seed * 2, mtu, { address: '192.0.2.1', port: 1111 });
    this.bob = this.#createEnd('bob', seed * 2 + 1, mtu, { address: '198.51.100.2', port: 2222 });
    this.alice.peer = this.alice.device.addPeer(
      {
        publicKey: this.bob.device.publicKey,
        endpoint: this.bob.endpoint,
        allowedIps: prefixes('10.0.0.2/32', 'fd00::2/128', '10.2.0.0/16'),
        ...optional('presharedKey', options.alicePsk),
        ...optional('persistentKeepalive', options.aliceKeepalive),
      },
      this.now,
    );
    this.bob.peer = this.bob.device.addPeer(
      {
        publicKey: this.alice.device.publicKey,
        allowedIps: prefixes('10.0.0.1/32', 'fd00::1/128', '10.1.0.0/16'),
        ...optional('endpoint', options.bobKnowsAlice ? this.alice.endpoint : undefined),
        ...optional('presharedKey', options.bobPsk),
        ...optional('persistentKeepalive', options.bobKeepalive),
      },
      this.now,
    );
  }

  #createEnd(side: Side, seed: number, mtu: number, endpoint: Endpoint): End {
    const privateKey = seededBytes(seed + 1000, 32);
    const device = new Device({
      privateKey,
      crypto: this.crypto,
      entropy: seededEntropy(seed),
      wallClock: { unixMilliseconds: () => this[side].wallClockOffset + this.now },
      mtu,
      observer: { ephemeralKey: this.#onEphemeralKey },
      sessionsOutliveSleep: this.#sessionsOutliveSleep,
      sink: {
        transmit: (bytes, destination, trafficClass, isSourceInDoubt) =>
          this.#transmit(side, { bytes, destination, trafficClass, isSourceInDoubt }),
        deliver: (packet) => this[side].received.push(packet.slice()),
        unreachable: (slot, reason) => {
          this[side].unreachable.push({ packet: packetInSlot(slot).slice(), reason });
        },
      },
    });
    return new End(device, privateKey, endpoint);
  }

  #transmit(from: Side, message: Omit<Capture, 'from' | 'at' | 'type'>): void {
    const bytes = message.bytes.slice();
    const capture = { ...message, bytes, from, at: this.now, type: bytes[0]! };
    this.captured.push(capture);
    if (!this.link(capture)) return;
    const arrivesAt = this.now + this.#latency;
    const trafficClass = this.mark(capture);
    this.#flights.push({ ...capture, trafficClass, arrivesAt, source: this[from].endpoint });
  }

  /** Sends one packet of `length` bytes between the inner addresses of the two. */
  send(from: Side, length = 100): Uint8Array {
    const packet =
      from === 'alice'
        ? ipv4('10.0.0.1', '10.0.0.2', length)
        : ipv4('10.0.0.2', '10.0.0.1', length);
    this.sendPacket(from, packet);
    return packet;
  }

  sendPacket(from: Side, packet: Uint8Array): void {
    this[from].device.sendPackets([slotWith(this.#slots, packet)], this.now);
  }

  /** Delivers bytes to a device as if `source` had sent them. */
  inject(to: Side, bytes: Uint8Array, source?: Endpoint): void {
    const endpoint = source ?? this[to === 'alice' ? 'bob' : 'alice'].endpoint;
    const copy = bytes.slice();
    this[to].device.handleDatagrams([{ bytes: copy, endpoint }], this.now);
    // Overwrite the bytes, because a real socket reuses its memory.
    copy.fill(0xee);
  }

  /** Advances the time by `duration` ms and runs everything that becomes due. */
  advance(duration: number): void {
    const end = this.now + duration;
    let stepsAtOnce = 0;
    for (;;) {
      const next = this.#nextEvent();
      if (next > end) break;
      stepsAtOnce = next > this.now ? 0 : stepsAtOnce + 1;
      if (stepsAtOnce > 1_000) throw new Error('a timer is always due');
      this.now = Math.max(this.now, next);
      this.#step();
    }
    this.now = end;
  }

  /** Advances the time just enough for all messages in flight, and replies to them, to arrive. */
  settle(): void {
    for (let round = 0; this.#flights.length > 0; round++) {
      if (round > 1_000) throw new Error('the peers keep answering each other');
      this.advance(this.#latency);
    }
  }

  /**
   * Creates a pair with a confirmed session, initiated by alice. The capture starts after the
   * handshake.
   */
  static established(options: PairOptions = {}): WireguardPair {
    const pair = new WireguardPair(options);
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    pair.captured.length = 0;
    pair.alice.events();
    pair.bob.events();
    return pair;
  }

  /** Captured messages of a type, optionally of one sender. */
  sent(type: number, from?: Side): Capture[] {
    return this.captured.filter(
      (message) => message.type === type && (from === undefined || message.from === from),
    );
  }

  #nextEvent(): number {
    const arrival = this.#flights[0]?.arrivesAt ?? Infinity;
    return Math.min(arrival, this.alice.device.nextTimeout(), this.bob.device.nextTimeout());
  }

  #step(): void {
    const arrived = this.#flights.filter((flight) => flight.arrivesAt <= this.now);
    this.#flights = this.#flights.filter((flight) => flight.arrivesAt > this.now);
    for (const flight of arrived) {
      const to = flight.from === 'alice' ? this.bob : this.alice;
      const { trafficClass, source: endpoint } = flight;
      const datagram = { bytes: flight.bytes.slice(), endpoint, trafficClass };
      to.device.handleDatagrams([datagram], this.now);
      datagram.bytes.fill(0xee);
    }
    this.alice.device.handleTimeout(this.now);
    this.bob.device.handleTimeout(this.now);
  }
}

function optional<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): Partial<Record<Key, Value>> {
  return (value === undefined ? {} : { [key]: value }) as Partial<Record<Key, Value>>;
}

export function prefixes(...texts: string[]): IpPrefix[] {
  return texts.map((text) => parseIpPrefix(text)!);
}

/** A slot that holds a copy of `packet`. */
export function slotWith(slots: PacketSlots, packet: Uint8Array): Uint8Array {
  const slot = slots.allocate(packet.length);
  packetInSlot(slot).set(packet);
  return slot;
}

/**
 * Builds an IPv4 packet of `length` bytes with a counting payload. WireGuard ignores its checksum.
 */
export function ipv4(source: string, destination: string, length = 100): Uint8Array {
  const packet = Uint8Array.from({ length }, (_, index) => index);
  packet.set([0x45, 0, length >> 8, length, 0, 0, 0, 0, 64, 17, 0, 0]);
  packet.set(parseIpAddress(source)!, 12);
  packet.set(parseIpAddress(destination)!, 16);
  return packet;
}

/** Builds an IPv6 packet of `length` bytes. */
export function ipv6(source: string, destination: string, length = 100): Uint8Array {
  const packet = Uint8Array.from({ length }, (_, index) => index);
  packet.set([0x60, 0, 0, 0, (length - 40) >> 8, length - 40, 17, 64]);
  packet.set(parseIpAddress(source)!, 8);
  packet.set(parseIpAddress(destination)!, 24);
  return packet;
}
