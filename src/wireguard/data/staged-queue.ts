import { MAX_STAGED_PACKETS } from '../constants.js';

/**
 * Packets that wait for a handshake. Where it is full the oldest goes, because the newest says
 * best what the sender still wants (whitepaper 3 leaves the choice; this is the kernel's).
 */
export class StagedQueue {
  readonly #slots = new Array<Uint8Array | undefined>(MAX_STAGED_PACKETS).fill(undefined);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** False where the oldest had to go. */
  push(slot: Uint8Array): boolean {
    const hadRoom = this.#length < MAX_STAGED_PACKETS;
    if (!hadRoom) this.shift();
    this.#slots[(this.#head + this.#length) % MAX_STAGED_PACKETS] = slot;
    this.#length++;
    return hadRoom;
  }

  /** Takes the oldest. */
  shift(): Uint8Array | undefined {
    if (this.#length === 0) return undefined;
    const slot = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) % MAX_STAGED_PACKETS;
    this.#length--;
    return slot;
  }

  /** Throws all away; gives how many there were. */
  clear(): number {
    const length = this.#length;
    this.#slots.fill(undefined);
    this.#length = 0;
    return length;
  }
}
