/**
 * The network between the two ends: it delays, reorders, drops, duplicates, damages and partitions.
 */
import { DeadlineHeap, type Timed } from '../../src/lib/deadline-heap.js';
import type { Endpoint } from '../../src/ports/datagram.js';
import type { Side } from './end.js';
import type { Random } from './random.js';

export interface Conditions {
  /** One-way latency in ms. */
  readonly latency: number;
  /**
   * Maximum additional delay in ms, drawn for each datagram, so that datagrams overtake each other.
   */
  readonly jitter: number;
  // Probabilities for each datagram.
  readonly loss: number;
  readonly duplicate: number;
  /** One to eight bits are flipped. */
  readonly corrupt: number;
  /** Bytes are cut off at the end, or zeros are appended. */
  readonly truncate: number;
  readonly isPartitioned: boolean;
  /** Datagrams to this side are lost; datagrams from it arrive. */
  readonly deafSide?: Side;
}

/** No loss, and everything arrives in order. */
export function clear(latency: number): Conditions {
  return {
    latency,
    jitter: 0,
    loss: 0,
    duplicate: 0,
    corrupt: 0,
    truncate: 0,
    isPartitioned: false,
  };
}

export interface Flight extends Timed {
  readonly to: Side;
  /** A copy of the bytes. */
  readonly bytes: Uint8Array;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly isDamaged: boolean;
}

export interface NetworkCounts {
  sent: number;
  arrived: number;
  lost: number;
  partitioned: number;
  duplicated: number;
  corrupted: number;
  truncated: number;
  /** Datagrams to an address that its owner has left, or to a sleeping end. */
  misdirected: number;
}

/** Fractions of a millisecond that order the flights. */
const PER_FLIGHT = 1_000_000;

export class Network {
  readonly counts: NetworkCounts = {
    sent: 0,
    arrived: 0,
    lost: 0,
    partitioned: 0,
    duplicated: 0,
    corrupted: 0,
    truncated: 0,
    misdirected: 0,
  };
  readonly #random: Random;
  readonly #flights = new DeadlineHeap<Flight>();
  #conditions = clear(10);
  /** When the last datagram arrives that was in flight at the last disturbance. */
  #disturbedUntil = 0;
  #lastArrival = 0;
  #order = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get conditions(): Conditions {
    return this.#conditions;
  }

  /**
   * True if nothing is delayed at random, lost or damaged, and no earlier disturbed datagram is in
   * flight.
   */
  isClearAt(now: number): boolean {
    return isClear(this.#conditions) && now > this.#disturbedUntil;
  }

  setConditions(conditions: Conditions, now: number): void {
    this.#conditions = conditions;
    this.disturb(now);
  }

  /** Marks the datagrams in flight as sent under earlier conditions. */
  disturb(now: number): void {
    this.#disturbedUntil = Math.max(now, this.#lastArrival);
  }

  /** Sends a datagram, whose bytes then belong to the network. */
  send(datagram: Pick<Flight, 'to' | 'bytes' | 'source' | 'destination'>, now: number): void {
    const { counts } = this;
    const random = this.#random;
    const { isPartitioned, deafSide, loss, duplicate } = this.#conditions;
    counts.sent++;
    if (isPartitioned || deafSide === datagram.to) {
      counts.partitioned++;
      return;
    }
    if (random.chance(loss)) {
      counts.lost++;
      return;
    }
    const copies = random.chance(duplicate) ? random.between(2, 3) : 1;
    counts.duplicated += copies - 1;
    for (let copy = 0; copy < copies; copy++) {
      const bytes = copy === 0 && copies === 1 ? datagram.bytes : datagram.bytes.slice();
      this.#launch({ ...datagram, bytes }, now);
    }
  }

  #launch(datagram: Pick<Flight, 'to' | 'bytes' | 'source' | 'destination'>, now: number): void {
    const { latency, jitter } = this.#conditions;
    const bytes = this.#damaged(datagram.bytes);
    const arrival = now + latency + (jitter > 0 ? this.#random.below(jitter + 1) : 0);
    this.#flights.update({
      ...datagram,
      bytes,
      isDamaged: bytes !== datagram.bytes,
      // The heap orders by one number, whose fraction keeps datagrams of one millisecond in order.
      deadline: arrival + (this.#order++ % PER_FLIGHT) / PER_FLIGHT,
      heapIndex: -1,
      heapKey: 0,
    });
    this.#lastArrival = Math.max(this.#lastArrival, arrival);
  }

  #damaged(bytes: Uint8Array): Uint8Array {
    const { corrupt, truncate } = this.#conditions;
    if (this.#random.chance(corrupt)) {
      this.counts.corrupted++;
      return flipBits(bytes, this.#random);
    }
    if (!this.#random.chance(truncate)) return bytes;
    this.counts.truncated++;
    if (this.#random.chance(0.8)) return bytes.slice(0, this.#random.below(bytes.length));
    const longer = new Uint8Array(bytes.length + this.#random.between(1, 64));
    longer.set(bytes);
    return longer;
  }

  /** When the next datagram arrives; Infinity for none. */
  nextArrival(): number {
    return Math.floor(this.#flights.next());
  }

  /** Takes a datagram that has arrived by now. */
  arrival(now: number): Flight | undefined {
    return this.#flights.popDue(now + (PER_FLIGHT - 1) / PER_FLIGHT);
  }
}

function isClear(conditions: Conditions): boolean {
  const { jitter, loss, duplicate, corrupt, truncate, isPartitioned, deafSide } = conditions;
  return (
    !isPartitioned && deafSide === undefined && jitter + loss + duplicate + corrupt + truncate === 0
  );
}

/** A copy with one to eight bits flipped, each at a different position. */
function flipBits(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const bits = new Set<number>();
  const count = random.between(1, 8);
  while (bits.size < count) bits.add(random.below(copy.length * 8));
  for (const bit of bits) copy[bit >> 3] = copy[bit >> 3]! ^ (1 << (bit & 7));
  return copy;
}
