import { RingList } from './ring-list.js';

/** A FIFO queue of packets that wait for the next drain. */
export class PacketQueue {
  readonly #limit: number;
  readonly #slots = new RingList<Uint8Array>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#slots.length;
  }

  /** Adds a packet caused by a peer or a user. Returns false if the queue is full. */
  offer(slot: Uint8Array): boolean {
    if (this.length >= this.#limit) return false;
    this.push(slot);
    return true;
  }

  /** Adds either all packets or none, because a datagram with a missing fragment is useless. */
  offerAll(slots: readonly Uint8Array[]): boolean {
    if (this.length + slots.length > this.#limit) return false;
    for (const slot of slots) this.push(slot);
    return true;
  }

  /** Adds a packet regardless of the limit. The caller must bound the number of such packets. */
  push(slot: Uint8Array): void {
    this.#slots.push(slot);
  }

  shift(): Uint8Array | undefined {
    return this.#slots.shift();
  }
}
