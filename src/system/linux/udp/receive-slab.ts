/** Memory for received bytes. */
import type { Libc } from '../libc.js';

const SLAB_SIZE = 512 * 1024;

/** A slab has one remembered view for each 1,024 bytes, less than a full packet. */
const VIEW_SHIFT = 10;

/** The alignment of messages in bytes, which is that of a machine word. */
const ALIGNMENT = 8;

/**
 * Allocates received messages from a slab of 512 KiB, into which the system writes directly. If a
 * turn needs more than one slab, the garbage collector frees the earlier ones. Space is wasted only at
 * the end of a slab, when the rest is too short for the longest message.
 */
export class ReceiveSlab {
  readonly #libc: Libc;
  readonly #longest: number;
  #slab = new Uint8Array(0);
  #address = 0;
  #used = 0;
  /** Views of the current slab, by the start of each. Most packets arrive at places used before. */
  #views: (Uint8Array | undefined)[] = [];

  /** @param longest the longest message, in bytes */
  constructor(libc: Libc, longest: number) {
    this.#libc = libc;
    this.#longest = longest;
  }

  /**
   * Lets the next messages overwrite the earlier ones. New memory for each turn would cost page
   * faults, and a full garbage collection several times a second.
   */
  reuse(): void {
    this.#used = 0;
  }

  /** Returns an address at which the system can write the longest message. */
  reserve(): number {
    if (this.#used + this.#longest > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
      this.#views = new Array<undefined>(SLAB_SIZE >> VIEW_SHIFT).fill(undefined);
      this.#address = Number(this.#libc.address(this.#slab));
      this.#used = 0;
    }
    return this.#address + this.#used;
  }

  /** Keeps the first `length` reserved bytes and returns their offset, to pass to part(). */
  take(length: number): number {
    const start = this.#used;
    this.#used = Math.ceil((start + length) / ALIGNMENT) * ALIGNMENT;
    return start;
  }

  /** Returns `length` bytes at `start`, which the caller may overwrite. */
  part(start: number, length: number): Uint8Array {
    const index = start >> VIEW_SHIFT;
    const earlier = this.#views[index];
    if (earlier?.byteOffset === start && earlier.length === length) return earlier;
    return (this.#views[index] = new Uint8Array(this.#slab.buffer, start, length));
  }
}
