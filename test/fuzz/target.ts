/**
 * The device under test: in both roles, with live sessions, and peers played by hand. Each datagram
 * is fired with its expectation, which is compared exactly with the device's counters, deliveries
 * and answers.
 */
import type { Crypto } from '../../src/crypto/crypto.js';
import { PacketSlots } from '../../src/lib/packets/packet-slot.js';
import type { Endpoint } from '../../src/ports/datagram.js';
import type { Device, DeviceOptions, Peer } from '../../src/wireguard/device.js';
import { DROP_REASONS } from '../../src/wireguard/drop-reason.js';
import { INITIATION } from '../support/message-types.js';
import { seededEntropy } from '../support/fakes/seeded-entropy.js';
import { ipv4, slotWith } from '../support/pairs/wireguard-pair.js';
import type { Random } from '../sim/random.js';
import { equalBytes } from '../sim/bytes.js';
import { Cast, DEVICE_ADDRESS, LIVE, randomKey, type Played, type Role } from './cast.js';
import { answersTo, FuzzFailure, nameOf, type Expectation } from './expectation.js';
import type { Puppet } from './puppet.js';

export interface Sent {
  readonly bytes: Uint8Array;
  readonly endpoint: Endpoint;
}

const WALL_CLOCK = Date.UTC(2026, 0, 1);
const MTU = 1_420;
const START = 1_000_000;

/** Creates the device under test; a faulty one shows that faults are detected. */
export type CreateDevice = (options: DeviceOptions) => Device;

export class Target {
  now = START;
  readonly device: Device;
  readonly played: Readonly<Record<Role, Played>>;
  /** A puppet whose key belongs to no peer. */
  readonly stranger: Puppet;
  /** Datagrams fired so far. */
  fired = 0;
  /** Datagrams by their expectation. */
  readonly expected = new Map<string, number>();
  /** The initiation to `awaited` that the device waits to have answered. */
  outstanding: Uint8Array | undefined;
  /** True if it has not been answered with a cookie yet. */
  isCookieOutstanding = false;
  /** Called with each datagram before it is fired. */
  onShot: (bytes: Uint8Array, source: Endpoint, expectation: Expectation) => void = () => undefined;
  readonly #slots = new PacketSlots();
  #sent: Sent[] = [];
  #delivered: { readonly packet: Uint8Array; readonly peer: Peer }[] = [];

  constructor(seed: number, crypto: Crypto, createDevice: CreateDevice) {
    const entropy = seededEntropy(seed);
    this.device = createDevice({
      privateKey: randomKey(entropy),
      crypto,
      entropy: seededEntropy(seed + 1),
      wallClock: { unixMilliseconds: () => this.unixMilliseconds },
      mtu: MTU,
      sink: {
        transmit: (bytes, endpoint) => this.#sent.push({ bytes, endpoint }),
        deliver: (packet, peer) => this.#delivered.push({ packet: packet.slice(), peer }),
      },
    });
    const { played, stranger } = new Cast(this.device, crypto, entropy, this.now);
    this.played = played;
    this.stranger = stranger;
  }

  get unixMilliseconds(): number {
    return WALL_CLOCK + this.now;
  }

  /**
   * Passes a datagram to the device, and compares the result.
   * @param trafficClass of the outer header
   * @throws FuzzFailure if the result is unexpected
   */
  fire(bytes: Uint8Array, source: Endpoint, expectation: Expectation, trafficClass = 0): Sent[] {
    this.onShot(bytes, source, expectation);
    this.fired++;
    const name = nameOf(expectation);
    this.expected.set(name, (this.expected.get(name) ?? 0) + 1);
    const before = this.#drops();
    const total = this.device.drops.total;
    this.#sent = [];
    this.#delivered = [];
    this.device.handleDatagrams([{ bytes, endpoint: source, trafficClass }], this.now);
    this.#compareDrops(expectation, before, total);
    this.#compareDelivered(expectation);
    this.#compareSent(expectation);
    this.#takeEvents();
    return this.#sent;
  }

  #drops(): number[] {
    return DROP_REASONS.map((reason) => this.device.drops.of(reason));
  }

  #compareDrops(expectation: Expectation, before: readonly number[], total: number): void {
    const { drops } = this.device;
    const isExpected =
      'drop' in expectation
        ? drops.of(expectation.drop) === before[DROP_REASONS.indexOf(expectation.drop)]! + 1 &&
          drops.total === total + 1
        : drops.total === total;
    if (isExpected) return;
    const counted = DROP_REASONS.filter((reason, index) => drops.of(reason) !== before[index]);
    throw new FuzzFailure(
      `${JSON.stringify(expectation)} was expected, ` +
        `the device counted: ${counted.join(', ') || 'no drop'}`,
    );
  }

  #compareDelivered(expectation: Expectation): void {
    const count = 'deliver' in expectation ? 1 : 0;
    if (this.#delivered.length !== count) {
      throw new FuzzFailure(`${this.#delivered.length} packets delivered, ${count} expected`);
    }
    const [delivered] = this.#delivered;
    if (!('deliver' in expectation) || delivered === undefined) return;
    if (delivered.peer !== this.played[expectation.from].peer) {
      throw new FuzzFailure('delivered as if from another peer');
    }
    if (!equalBytes(delivered.packet, expectation.deliver)) {
      throw new FuzzFailure('another packet was delivered');
    }
  }

  #compareSent(expectation: Expectation): void {
    const expected = answersTo(expectation).join();
    const sent = this.#sent.map(({ bytes }) => bytes[0]).join();
    if (sent !== expected) throw new FuzzFailure(`sent types [${sent}], expected [${expected}]`);
  }

  #takeEvents(): void {
    for (let event = this.device.pollEvent(); event; event = this.device.pollEvent()) {
      // The device does not retry it: renew() begins another handshake.
      const { peer } = this.played.awaited;
      if (event.type === 'handshake-gave-up' && event.peer === peer) this.answered();
    }
  }

  /** Notes that the device no longer waits for a response. */
  answered(): void {
    this.outstanding = undefined;
    this.isCookieOutstanding = false;
  }

  /** ms since the start. */
  get elapsed(): number {
    return this.now - START;
  }

  /** Lets time pass, and handles all deadlines. */
  pass(duration: number): void {
    const end = this.now + duration;
    for (;;) {
      const next = Math.max(this.device.nextTimeout(), this.now);
      if (next > end) break;
      this.now = next;
      this.#sent = [];
      this.device.handleTimeout(this.now);
      this.#takeSent();
    }
    this.now = end;
    this.#takeEvents();
  }

  /** Renews sessions before they expire, and begins a handshake. Must be called between cases. */
  renew(): void {
    const { server, retired } = this.played;
    if (this.now - server.sessionAt >= RENEWED_AFTER) this.#renewLive();
    if (this.now - retired.sessionAt >= RETIRED_FOR) this.enter('retired');
    if (this.outstanding === undefined) this.#await();
  }

  /** Records the initiation for which the device waits. */
  #takeSent(): void {
    // The device's current endpoint of the peer, since responses come from any address.
    const { endpoint } = this.played.awaited.peer;
    for (const message of this.#sent) {
      if (message.bytes[0] !== INITIATION || message.endpoint !== endpoint) continue;
      this.outstanding = message.bytes;
      this.isCookieOutstanding = true;
    }
  }

  /** Makes the device begin a handshake with `awaited`, which does not answer yet. */
  #await(): void {
    const { peer } = this.played.awaited;
    this.#sent = [];
    this.device.initiateHandshake(peer, this.now);
    this.#takeSent();
  }

  #renewLive(): void {
    this.enter('client');
    const { server } = this.played;
    this.#sent = [];
    this.device.initiateHandshake(server.peer, this.now);
    const [initiation] = this.#sent;
    if (initiation?.bytes[0] !== INITIATION) throw new FuzzFailure('no initiation to the server');
    const response = server.puppet.response(initiation.bytes, this.now);
    const sent = this.fire(response, server.puppet.endpoint, { answer: 'confirmation' });
    if (server.puppet.open(sent[0]!.bytes)?.length !== 0) throw new FuzzFailure('no confirmation');
    server.sessionAt = this.now;
    server.counters.reset();
  }

  /** A peer begins its own session, and confirms it. */
  enter(role: Role): void {
    const played = this.played[role];
    const { puppet, counters } = played;
    // Timestamps differ after rounding, and initiations of one peer are 20 ms apart.
    this.now += 25;
    const initiation = puppet.initiation(this.unixMilliseconds, this.now);
    const sent = this.fire(initiation, puppet.endpoint, { answer: 'response' });
    if (!puppet.takeResponse(sent[0]!.bytes, this.now)) throw new FuzzFailure('a bad response');
    played.sessionAt = this.now;
    counters.reset();
    this.fire(puppet.data(EMPTY, counters.next()), puppet.endpoint, { take: 'silently' });
  }

  /**
   * Exchanges a packet in each direction of every live session, to show that earlier datagrams did
   * no harm.
   */
  exchange(random: Random): void {
    for (const role of LIVE) {
      const { puppet, address, counters } = this.played[role];
      const packet = ipv4(DEVICE_ADDRESS, address, random.between(20, MTU));
      this.#sent = [];
      this.device.sendPackets([slotWith(this.#slots, packet)], this.now);
      const plaintext = this.#sent.length === 1 ? puppet.open(this.#sent[0]!.bytes) : undefined;
      if (plaintext === undefined || !equalBytes(plaintext.subarray(0, packet.length), packet)) {
        throw new FuzzFailure(`the session with the ${role} carries no data`);
      }
      const back = ipv4(address, DEVICE_ADDRESS, random.between(20, MTU));
      const expectation = { deliver: back, from: role };
      this.fire(puppet.data(back, counters.next()), puppet.endpoint, expectation);
    }
  }
}

const EMPTY = new Uint8Array(0);
/** Below REKEY_AFTER_TIME, so that the device does not renew by itself. */
const RENEWED_AFTER = 100_000;
/** Below three REJECT_AFTER_TIME, after which its index would be released. */
const RETIRED_FOR = 500_000;
