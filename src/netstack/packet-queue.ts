/** Packets that wait for the next drain, first in first out. */
export class PacketQueue {
  readonly #limit: number;
  #slots: Uint8Array[] = [];
  #head = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#slots.length - this.#head;
  }

  /** Takes a packet that a peer or a user asked for; false when the queue is full. */
  offer(slot: Uint8Array): boolean {
    if (this.length >= this.#limit) return false;
    this.push(slot);
    return true;
  }

  /** Takes all of the packets or none: a datagram without one of its fragments is waste. */
  offerAll(slots: readonly Uint8Array[]): boolean {
    if (this.length + slots.length > this.#limit) return false;
    for (const slot of slots) this.push(slot);
    return true;
  }

  /** Takes a packet whose number is bounded by other means. */
  push(slot: Uint8Array): void {
    this.#slots.push(slot);
  }

  shift(): Uint8Array | undefined {
    const slot = this.#slots[this.#head];
    if (slot === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#slots.length) {
      this.#slots = [];
      this.#head = 0;
    }
    return slot;
  }
}
