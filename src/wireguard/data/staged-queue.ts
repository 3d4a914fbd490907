import { MAX_STAGED_PACKETS } from '../constants.js';

export interface StagedTotal {
  packets: number;
}

/**
 * Packets that wait for a handshake. A full queue drops its oldest packet, because the newest
 * packets are the most relevant. The whitepaper (§3) leaves this choice open; Linux does the same.
 */
export class StagedQueue {
  readonly #total: StagedTotal;
  /** A ring, which is allocated only while packets wait; a peer that has a session needs none. */
  #slots: (Uint8Array | undefined)[] = [];
  #head = 0;
  #length = 0;

  /** @param total counts the packets of all queues that share it */
  constructor(total: StagedTotal) {
    this.#total = total;
  }

  get length(): number {
    return this.#length;
  }

  /** Appends a packet. Returns false if the oldest packet was dropped. */
  push(slot: Uint8Array): boolean {
    const hadRoom = this.#length < MAX_STAGED_PACKETS;
    if (!hadRoom) this.shift();
    else if (this.#length === 0) this.#slots = emptyRing();
    this.#slots[(this.#head + this.#length) % MAX_STAGED_PACKETS] = slot;
    this.#length++;
    this.#total.packets++;
    return hadRoom;
  }

  shift(): Uint8Array | undefined {
    if (this.#length === 0) return undefined;
    const slot = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) % MAX_STAGED_PACKETS;
    this.#length--;
    this.#total.packets--;
    if (this.#length === 0) this.#slots = [];
    return slot;
  }

  /** Drops all packets and returns their number. */
  clear(): number {
    const length = this.#length;
    this.#slots = [];
    this.#length = 0;
    this.#total.packets -= length;
    return length;
  }
}

function emptyRing(): (Uint8Array | undefined)[] {
  return new Array<Uint8Array | undefined>(MAX_STAGED_PACKETS).fill(undefined);
}
