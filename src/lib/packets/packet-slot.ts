/**
 * A slot contains an outgoing IP packet: PacketBytes with free space before and after the packet.
 * WireGuard writes its header and its tag there without copying the packet.
 *
 *     [ PACKET_HEADROOM ][ IP packet ][ PACKET_TAILROOM ]
 *
 * docs/decisions/0002-packet-slots.md explains how slots are reused.
 */

import { PacketBytes, partOf } from './packet-bytes.js';
import { allocatePacketMemory } from './packet-memory.js';

/** Space for the transport data header: type, receiver index and counter (WireGuard 5.4.6). */
export const PACKET_HEADROOM = 16;

/** Space for up to 15 bytes of padding and the 16-byte authentication tag, rounded up to 32. */
export const PACKET_TAILROOM = 32;

const TAG_LENGTH = 16;

/** Returns the length of the IP packet inside `slot`. */
export function packetLength(slot: Uint8Array): number {
  return slot.length - PACKET_HEADROOM - PACKET_TAILROOM;
}

/** Returns a view of the IP packet inside `slot`. */
export function packetInSlot(slot: Uint8Array): Uint8Array {
  return partOf(slot, PACKET_HEADROOM, slot.length - PACKET_TAILROOM);
}

/** The size of a slab in bytes. Two drains of an engine, of 128 packets of 1,420 bytes each, fit. */
const SLAB_SIZE = 512 * 1024;

/** The alignment of slots, in bytes. */
const ALIGNMENT = 4;

const NO_MEMORY = newMemory(0);

/** A piece of memory for slots, and the number of its bytes that are in use. */
class Slab {
  memory: PacketBytes;
  used = 0;
  /** The allocators that have allocated slots here and may still be using them. */
  users = 0;
  /** The slots in the order of their allocation; those from `next` on are free. */
  readonly #slots: PacketBytes[] = [];
  #next = 0;

  constructor(memory: PacketBytes) {
    this.memory = memory;
  }

  hasRoomFor(size: number): boolean {
    return this.used + size <= this.memory.length;
  }

  /** Returns the next slot, which is an earlier slot's object if their places are the same. */
  take(size: number): PacketBytes {
    const { memory, used } = this;
    const place = memory.place + used;
    // The checksum of an aligned packet is faster to compute.
    this.used = used + Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    const earlier = this.#slots[this.#next];
    if (earlier?.place === place && earlier.length === size) {
      this.#next++;
      return earlier;
    }
    return (this.#slots[this.#next++] = new PacketBytes(memory.memory, place, size));
  }

  reuse(): void {
    this.used = 0;
    this.#next = 0;
  }

  /** Releases the memory, because allocators may refer to this object for a long time. */
  retire(): void {
    this.memory = NO_MEMORY;
    this.#slots.length = 0;
  }
}

function newMemory(size: number): PacketBytes {
  return new PacketBytes(new ArrayBuffer(size), 0, size);
}

/**
 * All stacks share the current slab, so that a process with many tunnels does not keep one for
 * each.
 */
let slab = new Slab(NO_MEMORY);

/** The slab in the memory for packets. It is never retired, and is used whenever it has no users. */
let lasting: Slab | undefined;

/** Replaces the current slab, which is full, by one that has no users. */
function replaceSlab(): void {
  if (slab !== lasting) slab.retire();
  if (lasting === undefined) {
    const memory = allocatePacketMemory(SLAB_SIZE);
    if (memory !== undefined) lasting = new Slab(memory);
  }
  if (lasting?.users === 0) useLasting(lasting);
  else slab = new Slab(newMemory(SLAB_SIZE));
}

/** Called when the current slab has no users any more. */
function reuseSlab(): void {
  if (slab === lasting || lasting?.users !== 0) {
    slab.reuse();
    return;
  }
  slab.retire();
  useLasting(lasting);
}

function useLasting(free: Slab): void {
  slab = free;
  slab.reuse();
}

/**
 * Returns the whole message in a slot: the headroom, the packet with its padding, and the tag.
 *
 * @param length the length of the packet with its padding, in bytes
 */
export function messageInSlot(slot: Uint8Array, length: number): Uint8Array {
  return partOf(slot, 0, PACKET_HEADROOM + length + TAG_LENGTH);
}

/**
 * Allocates slots from slabs. A slab is used again after recycle(); otherwise, the garbage collector
 * frees it when none of its slots is in use.
 */
export class PacketSlots {
  /** The slab in which this allocator may have slots that are in use. */
  #slab: Slab | undefined;
  /** Whether this allocator may also have slots in the lasting slab, which is not current any more. */
  #keepsLasting = false;

  /** Returns a slot for a packet of `length` bytes. Its content is undefined. */
  allocate(length: number): PacketBytes {
    const size = PACKET_HEADROOM + length + PACKET_TAILROOM;
    if (size > SLAB_SIZE) return newMemory(size);
    if (!slab.hasRoomFor(size)) replaceSlab();
    if (this.#slab !== slab) {
      if (this.#slab !== undefined && this.#slab === lasting) this.#keepsLasting = true;
      this.#slab = slab;
      slab.users++;
    }
    return slab.take(size);
  }

  /**
   * Allows all slots of this allocator to be used again. Call this only if no slot, and no view of
   * one, is in use any more.
   */
  recycle(): void {
    if (this.#slab === undefined) return;
    const isCurrent = this.#slab === slab;
    this.#slab.users--;
    this.#slab = undefined;
    if (this.#keepsLasting && lasting !== undefined) lasting.users--;
    this.#keepsLasting = false;
    if (isCurrent && slab.users === 0) reuseSlab();
  }
}
