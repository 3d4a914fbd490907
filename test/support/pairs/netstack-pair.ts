/**
 * Two stacks joined by a link that delays, loses, reorders and duplicates packets by a seed, in
 * virtual time, so that a run is the same on every machine.
 */
import type { Entropy } from '../../../src/ports/entropy.js';
import { packetInSlot } from '../../../src/lib/packets/packet-slot.js';
import { Stack, type StackLimits } from '../../../src/netstack/stack.js';
import type { CongestionAlgorithm } from '../../../src/netstack/tcp/congestion/congestion-control.js';
import type { TcpConnection, TcpObserver } from '../../../src/netstack/tcp/connection.js';
import { parseIpAddress, type IpAddress } from '../../../src/wire/ip-address.js';

// A lookup of a global object takes microseconds in Jest's context.
const { imul } = Math;

/** Returns a generator of numbers in [0, 1) from a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export function seededEntropy(seed: number): Entropy {
  const random = seededRandom(seed);
  return {
    fill(bytes) {
      for (let index = 0; index < bytes.length; index++) bytes[index] = random() * 256;
    },
  };
}

/** Returns random-looking bytes from a seed. */
export function patternBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed * 0x9e37_79b9 || 1;
  for (let index = 0; index < length; index++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state;
  }
  return bytes;
}

export function ip(text: string): IpAddress {
  const address = parseIpAddress(text);
  if (address === undefined) throw new RangeError(`no IP address: ${text}`);
  return address;
}

export interface LinkOptions {
  /** One-way delay in ms. */
  delay?: number;
  /**
   * Random extra delay in ms for the share `reorder` of the packets, so that others overtake them.
   */
  jitter?: number;
  /** Shares of packets, 0 to 1. */
  loss?: number;
  reorder?: number;
  duplicate?: number;
  seed?: number;
  mtu?: number;
  /** Default: LEFT_ADDRESS and RIGHT_ADDRESS. */
  addresses?: Readonly<Record<Side, IpAddress>>;
  limits?: Partial<StackLimits>;
  congestion?: CongestionAlgorithm;
  /**
   * Bytes per ms; unlimited by default. Packets that would wait longer than `queueDelay` ms are
   * dropped.
   */
  rate?: number;
  queueDelay?: number;
  /** The next time at which the busy left host runs its stack; immediately by default. */
  turnAt?: (now: number) => number;
}

export const LEFT_ADDRESS = ip('10.0.0.1');
export const RIGHT_ADDRESS = ip('10.0.0.2');

interface Flight {
  at: number;
  order: number;
  to: Side;
  packet: Uint8Array;
}

type Side = 'left' | 'right';

export class NetstackPair {
  readonly left: Stack;
  readonly right: Stack;
  readonly addresses: Readonly<Record<Side, IpAddress>>;
  /** The number of packets that each side has emitted. */
  readonly emitted = { left: 0, right: 0 };
  /** Decides for each packet whether it is lost, in addition to `loss`. */
  drop: (packet: Uint8Array, from: Side) => boolean = () => false;
  now = 1000;
  readonly #link: Required<
    Omit<LinkOptions, 'limits' | 'mtu' | 'seed' | 'congestion' | 'addresses'>
  >;
  readonly #random: () => number;
  readonly #flights: Flight[] = [];
  readonly #lineFreeAt = { left: 0, right: 0 };
  /** Packets that have arrived at the left host but are still unread. */
  readonly #waiting: Uint8Array[] = [];
  #order = 0;

  constructor(options: LinkOptions = {}) {
    const { seed = 1, mtu = 1420, limits = {}, congestion = 'bbr' } = options;
    this.#link = {
      delay: 10,
      jitter: 0,
      loss: 0,
      reorder: 0,
      duplicate: 0,
      rate: Infinity,
      queueDelay: 100,
      turnAt: (now) => now,
      ...options,
    };
    this.#random = seededRandom(seed);
    const create = (address: IpAddress, entropySeed: number): Stack =>
      new Stack(
        { addresses: [address], mtu, entropy: seededEntropy(entropySeed), limits, congestion },
        this.now,
      );
    this.addresses = options.addresses ?? { left: LEFT_ADDRESS, right: RIGHT_ADDRESS };
    this.left = create(this.addresses.left, seed + 1000);
    this.right = create(this.addresses.right, seed + 2000);
  }

  /** Runs until no work is left, until `done`, or until `limit` ms have passed. */
  run(limit: number, done: () => boolean = () => false): void {
    const end = this.now + limit;
    for (;;) {
      this.drain();
      if (done()) return;
      const next = Math.min(
        this.#flights[0]?.at ?? Infinity,
        this.#turnOfLeft(),
        this.right.nextTimeout(),
      );
      if (next > end) {
        if (end !== Infinity) this.now = end;
        return;
      }
      if (next > this.now) this.now = next;
      this.#deliver();
      if (this.#isLeftsTurn()) this.left.handleTimeout(this.now);
      this.right.handleTimeout(this.now);
    }
  }

  /** The next time at which the left stack has work and its host is free. */
  #turnOfLeft(): number {
    const { turnAt } = this.#link;
    const free = turnAt(this.now);
    return free > this.now ? free : turnAt(Math.max(this.left.nextTimeout(), this.now));
  }

  #isLeftsTurn(): boolean {
    return this.#link.turnAt(this.now) === this.now;
  }

  /** Lets both stacks send all pending packets. */
  drain(): void {
    if (this.#isLeftsTurn()) {
      for (const packet of this.#waiting.splice(0)) this.left.handlePacket(packet, this.now);
      while (this.left.drain((slot) => this.#send('left', slot), this.now));
    }
    while (this.right.drain((slot) => this.#send('right', slot), this.now));
  }

  #send(from: Side, slot: Uint8Array): void {
    this.emitted[from]++;
    const packet = packetInSlot(slot);
    const { loss, duplicate } = this.#link;
    if (this.drop(packet, from) || this.#random() < loss) return;
    this.#schedule(from, packet);
    if (this.#random() < duplicate) this.#schedule(from, packet);
  }

  #schedule(from: Side, packet: Uint8Array): void {
    const { delay, jitter, reorder, rate, queueDelay } = this.#link;
    let at = this.now;
    if (rate !== Infinity) {
      at = Math.max(at, this.#lineFreeAt[from]) + packet.length / rate;
      if (at - this.now > queueDelay) return;
      this.#lineFreeAt[from] = at;
    }
    at += delay;
    if (this.#random() < reorder) at += this.#random() * jitter;
    const flight: Flight = {
      at,
      order: this.#order++,
      to: from === 'left' ? 'right' : 'left',
      packet,
    };
    pushFlight(this.#flights, flight);
  }

  #deliver(): void {
    for (;;) {
      const first = this.#flights[0];
      if (first === undefined || first.at > this.now) return;
      popFlight(this.#flights);
      if (first.to === 'left') this.#waiting.push(first.packet);
      else this.right.handlePacket(first.packet, this.now);
    }
  }
}

function isBefore(left: Flight, right: Flight): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}

/** Inserts into a binary heap ordered by arrival time. */
function pushFlight(heap: Flight[], flight: Flight): void {
  let index = heap.length;
  heap.push(flight);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!isBefore(flight, heap[parent]!)) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = flight;
}

function popFlight(heap: Flight[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = index * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
}

/** One end of a connection that sends given data and records received data. */
export class Endpoint implements TcpObserver {
  readonly events: string[] = [];
  readonly pair: NetstackPair;
  connection!: TcpConnection;
  /** Whether received data is read immediately; if false, the bytes stay in the stack. */
  reads = true;
  /** Whether to shut down the sending direction once all data is sent, or after the peer's FIN. */
  shutdownAfterSend = false;
  received = new Uint8Array(64 * 1024);
  receivedLength = 0;
  #outgoing: Uint8Array = new Uint8Array(0);
  #sent = 0;

  constructor(pair: NetstackPair) {
    this.pair = pair;
  }

  get bytes(): Uint8Array {
    return this.received.subarray(0, this.receivedLength);
  }

  send(bytes: Uint8Array): this {
    this.#outgoing = bytes;
    this.#sent = 0;
    this.#push();
    return this;
  }

  #push(): void {
    const rest = this.#outgoing.subarray(this.#sent);
    if (rest.length > 0) this.#sent += this.connection.send(rest);
    if (this.shutdownAfterSend && this.#sent === this.#outgoing.length) {
      this.connection.shutdown();
    }
  }

  read(): void {
    for (;;) {
      const bytes = this.connection.receive(64 * 1024, this.pair.now);
      if (bytes === undefined) return;
      while (this.receivedLength + bytes.length > this.received.length) {
        const larger = new Uint8Array(this.received.length * 2);
        larger.set(this.received);
        this.received = larger;
      }
      this.received.set(bytes, this.receivedLength);
      this.receivedLength += bytes.length;
    }
  }

  established(): void {
    this.events.push('established');
  }

  readable(): void {
    if (this.reads) this.read();
  }

  writable(): void {
    this.#push();
  }

  remoteClosed(): void {
    this.events.push('remoteClosed');
  }

  closed(reason: string): void {
    this.events.push(`closed:${reason}`);
  }
}

/** Connects left to a listener on the right; both ends are established on return. */
export function connectPair(pair: NetstackPair, port = 80): { client: Endpoint; server: Endpoint } {
  const client = new Endpoint(pair);
  const server = new Endpoint(pair);
  const listener = pair.right.listenTcp({ port }, (connection) => {
    server.connection = connection;
    return server;
  });
  const remote = { address: pair.addresses.right, port };
  client.connection = pair.left.connectTcp(remote, client, pair.now);
  pair.run(60_000, () => server.events.length > 0 && client.events.length > 0);
  listener.close(pair.now);
  return { client, server };
}
