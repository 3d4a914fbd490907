/** Two complete engines, each the other's only peer, over a link in virtual time. */
import { overwritePacket } from '../fakes/fake-socket.js';
import type { Crypto } from '../../../src/crypto/crypto.js';
import type { Entropy } from '../../../src/ports/entropy.js';
import type { DeviceEvent, Peer } from '../../../src/engine/engine.js';
import { NetstackEngine } from '../../../src/engine/netstack-engine.js';
import type { Datagram, Endpoint } from '../../../src/ports/datagram.js';
import { parseIpAddress, parseIpPrefix } from '../../../src/wire/ip-address.js';
import { seededEntropy } from '../fakes/seeded-entropy.js';

/** Wall-clock milliseconds at the virtual start, 2026-01-01T00:00:00Z. */
const UNIX_START = 1_767_225_600_000;

/** The IPv6 addresses of alice and bob, in addition to their IPv4 addresses. */
export const IPV6_ADDRESSES = ['fd00:77::2', 'fd00:127::69:42'] as const;

export interface LinkOptions {
  /** One-way delay in milliseconds. */
  readonly delay?: number;
  /** Maximum random extra delay, which reorders datagrams. */
  readonly jitter?: number;
  /** The probability that a datagram is lost, 0 to 1. */
  readonly loss?: number;
  readonly seed?: number;
}

export interface End {
  readonly engine: NetstackEngine;
  readonly peer: Peer;
  readonly endpoint: Endpoint;
  readonly events: DeviceEvent[];
}

interface Flight extends Datagram {
  readonly at: number;
  readonly order: number;
  readonly to: Endpoint;
}

export class EnginePair {
  now = 0;
  /** All datagrams put on the link, including lost ones. */
  readonly sent: { from: Endpoint; bytes: Uint8Array; at: number }[] = [];
  readonly alice: End;
  readonly bob: End;
  /** If false, every datagram is lost. */
  connected = true;
  #flights: Flight[] = [];
  #order = 0;
  readonly #link: Required<LinkOptions>;
  readonly #chance: Entropy;

  constructor(crypto: Crypto, link: LinkOptions = {}) {
    this.#link = { delay: 10, jitter: 0, loss: 0, seed: 1, ...link };
    this.#chance = seededEntropy(this.#link.seed);
    const keys = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(9)] as const;
    const wallClock = { unixMilliseconds: () => UNIX_START + this.now };
    const [alice, bob] = (['10.77.0.2', '100.127.69.42'] as const).map((address, index) => {
      const own = keys[index]!;
      const other = keys[1 - index]!;
      const engine = new NetstackEngine(
        {
          privateKey: own,
          addresses: [parseIpAddress(address)!, parseIpAddress(IPV6_ADDRESSES[index]!)!],
          mtu: 1420,
          crypto,
          entropy: seededEntropy(this.#link.seed + 1 + index),
          wallClock,
        },
        0,
      );
      const peer = engine.device.addPeer(
        {
          publicKey: crypto.publicKey(other),
          allowedIps: [
            parseIpPrefix(index === 0 ? '100.127.0.0/16' : '10.77.0.2/32')!,
            parseIpPrefix(`${IPV6_ADDRESSES[1 - index]!}/128`)!,
          ],
          ...(index === 0 && { endpoint: { address: '192.0.2.2', port: 11010 } }),
        },
        0,
      );
      const endpoint = { address: `192.0.2.${index + 1}`, port: index === 0 ? 40000 : 11010 };
      return { engine, peer, endpoint, events: [] as DeviceEvent[] };
    }) as [End, End];
    this.alice = alice;
    this.bob = bob;
  }

  /**
   * Advances virtual time until `done`, or by at most `limit` ms. Returns whether `done` was
   * reached.
   */
  drive(done: () => boolean, limit = 600_000): boolean {
    const until = this.now + limit;
    for (;;) {
      this.#drain(this.alice);
      this.#drain(this.bob);
      if (done()) return true;
      const next = Math.min(
        this.#flights[0]?.at ?? Infinity,
        this.alice.engine.nextTimeout(),
        this.bob.engine.nextTimeout(),
      );
      if (next > until) {
        this.now = until;
        return done();
      }
      this.now = Math.max(this.now, next);
      this.#deliver();
      for (const { engine } of [this.alice, this.bob]) engine.handleTimeout(this.now);
    }
  }

  #drain(end: End): void {
    for (let more = true; more;) {
      const batch = end.engine.drain(this.now);
      for (const { bytes, endpoint } of batch.datagrams) {
        this.#launch(bytes, end.endpoint, endpoint);
        overwritePacket(bytes);
      }
      end.engine.recycle();
      more = batch.more;
    }
    for (let event = end.engine.pollEvent(); event; event = end.engine.pollEvent()) {
      end.events.push(event);
    }
  }

  #launch(bytes: Uint8Array, from: Endpoint, to: Endpoint): void {
    this.sent.push({ from, bytes: bytes.slice(), at: this.now });
    if (!this.connected || this.#roll() < this.#link.loss) return;
    const at = this.now + this.#link.delay + this.#roll() * this.#link.jitter;
    this.#flights.push({ bytes: bytes.slice(), endpoint: from, to, at, order: this.#order++ });
    this.#flights.sort((left, right) => left.at - right.at || left.order - right.order);
  }

  #deliver(): void {
    while (this.#flights.length > 0 && this.#flights[0]!.at <= this.now) {
      const flight = this.#flights.shift()!;
      const end = flight.to.address === this.alice.endpoint.address ? this.alice : this.bob;
      end.engine.handleDatagrams([flight], this.now);
      // Overwrite the bytes, because a real socket reuses its memory.
      flight.bytes.fill(0xee);
    }
  }

  #roll(): number {
    const bytes = new Uint8Array(4);
    this.#chance.fill(bytes);
    return (bytes[0]! * 0x1000000 + bytes[1]! * 0x10000 + bytes[2]! * 0x100 + bytes[3]!) / 2 ** 32;
  }
}
