/** Memory for received bytes. */
import { allocatePacketMemory } from '../../../lib/packets/packet-memory.js';
import type { Libc } from '../libc.js';

const SLAB_SIZE = 512 * 1024;

/** A slab has one remembered view for each 1,024 bytes, less than a full packet. */
const VIEW_SHIFT = 10;

/** The alignment of messages in bytes, which is that of a machine word. */
const ALIGNMENT = 8;

/** A piece of memory, and views of it by their start. Most packets arrive at places used before. */
class Slab {
  readonly memory: Uint8Array;
  readonly views = new Array<Uint8Array | undefined>(SLAB_SIZE >> VIEW_SHIFT).fill(undefined);
  #address: number | undefined;

  constructor(memory: Uint8Array) {
    this.memory = memory;
  }

  address(libc: Libc): number {
    return (this.#address ??= Number(libc.address(this.memory)));
  }
}

/**
 * The slab of all descriptors of this thread: the bytes from one are handled before the next is
 * read.
 */
let sharedSlab: Slab | undefined;

function shared(): Slab {
  const allocate = () => allocatePacketMemory(SLAB_SIZE) ?? Buffer.allocUnsafeSlow(SLAB_SIZE);
  return (sharedSlab ??= new Slab(allocate()));
}

/**
 * Allocates received messages from a slab of 512 KiB, into which the system writes directly. If a
 * turn needs more than the slab, it gets slabs of its own, which the garbage collector frees. Space
 * is wasted only at the end of a slab, when the rest is too short for the longest message.
 */
export class ReceiveSlab {
  readonly #libc: Libc;
  readonly #longest: number;
  #slab: Slab | undefined;
  #used = 0;

  /** @param longest the longest message, in bytes */
  constructor(libc: Libc, longest: number) {
    this.#libc = libc;
    this.#longest = longest;
  }

  /**
   * Lets the next messages overwrite all earlier ones, also those of other descriptors. New memory for
   * each turn would cost page faults, and a full garbage collection several times a second.
   */
  reuse(): void {
    this.#slab = undefined;
    this.#used = 0;
  }

  /** Returns an address at which the system can write the longest message. */
  reserve(): number {
    if (this.#used + this.#longest > SLAB_SIZE) {
      this.#slab = new Slab(Buffer.allocUnsafeSlow(SLAB_SIZE));
      this.#used = 0;
    }
    this.#slab ??= shared();
    return this.#slab.address(this.#libc) + this.#used;
  }

  /** Keeps the first `length` reserved bytes and returns their offset, to pass to part(). */
  take(length: number): number {
    const start = this.#used;
    this.#used = Math.ceil((start + length) / ALIGNMENT) * ALIGNMENT;
    return start;
  }

  /** Returns `length` bytes at `start`, which the caller may overwrite. */
  part(start: number, length: number): Uint8Array {
    const { memory, views } = (this.#slab ??= shared());
    const index = start >> VIEW_SHIFT;
    const earlier = views[index];
    const place = memory.byteOffset + start;
    if (earlier?.byteOffset === place && earlier.length === length) return earlier;
    return (views[index] = new Uint8Array(memory.buffer, place, length));
  }
}
