/** Memory for received bytes. */
import { PacketBytes } from '../../../lib/packets/packet-bytes.js';
import { allocatePacketMemory } from '../../../lib/packets/packet-memory.js';
import type { Libc } from '../libc.js';

const SLAB_SIZE = 512 * 1024;

/** One view is remembered for each 256 bytes. */
const VIEW_SHIFT = 8;

/** The alignment of messages in bytes: each has a remembered view of its own. */
const ALIGNMENT = 1 << VIEW_SHIFT;

/** A piece of memory. */
class Slab {
  readonly memory: PacketBytes;
  #address: number | undefined;

  constructor(memory: PacketBytes) {
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

/** Datagrams from a socket, or frames from a tun device. */
export type MessageKind = 'datagram' | 'frame';

/**
 * Views of the shared slab by their start: most messages arrive at places that were used before.
 * Messages of another kind have other lengths.
 */
const remembered = new Map<MessageKind, (PacketBytes | undefined)[]>();

function viewsOf(kind: MessageKind): (PacketBytes | undefined)[] {
  let views = remembered.get(kind);
  if (views === undefined) {
    views = new Array<PacketBytes | undefined>(SLAB_SIZE >> VIEW_SHIFT).fill(undefined);
    remembered.set(kind, views);
  }
  return views;
}

/** The bytes are not zeroed, which saves page faults. */
function newMemory(): PacketBytes {
  const { buffer } = Buffer.allocUnsafeSlow(SLAB_SIZE);
  return new PacketBytes(buffer, 0, SLAB_SIZE);
}

function shared(): Slab {
  return (sharedSlab ??= new Slab(allocatePacketMemory(SLAB_SIZE) ?? newMemory()));
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
  readonly #views: (PacketBytes | undefined)[];

  /** @param longest the longest message, in bytes */
  constructor(libc: Libc, kind: MessageKind, longest: number) {
    this.#libc = libc;
    this.#views = viewsOf(kind);
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
      this.#slab = new Slab(newMemory());
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
  part(start: number, length: number): PacketBytes {
    const { memory } = (this.#slab ??= shared());
    const place = memory.place + start;
    if (this.#slab !== sharedSlab) return new PacketBytes(memory.memory, place, length);
    const index = start >> VIEW_SHIFT;
    const earlier = this.#views[index];
    if (earlier?.place === place && earlier.length === length) return earlier;
    return (this.#views[index] = new PacketBytes(memory.memory, place, length));
  }
}
