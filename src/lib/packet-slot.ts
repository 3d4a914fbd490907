/**
 * An IP packet on its way out stands in a slot: one Uint8Array with free room before and behind it,
 * so that WireGuard writes its header in front and its tag behind without a copy.
 *
 *     [ PACKET_HEADROOM ][ IP packet ][ PACKET_TAILROOM ]
 */

/** Room for the transport data header: type, receiver index, counter (WireGuard 5.4.6). */
export const PACKET_HEADROOM = 16;

/** Room for up to 15 bytes of padding and the 16-byte authentication tag, rounded to 32. */
export const PACKET_TAILROOM = 32;

/** The IP packet inside `slot`, as a view. */
export function packetInSlot(slot: Uint8Array): Uint8Array {
  return slot.subarray(PACKET_HEADROOM, slot.length - PACKET_TAILROOM);
}

const SLAB_SIZE = 256 * 1024;

/**
 * Cuts slots from slabs of 256 KiB. Nothing is given back by hand: a slab is collected when the
 * last view of it is gone, so that a slot can never be used after its release.
 */
export class PacketSlots {
  #slab = new Uint8Array(0);
  #used = 0;

  /** A slot for a packet of `length` bytes. Its content is zero. */
  allocate(length: number): Uint8Array {
    const size = PACKET_HEADROOM + length + PACKET_TAILROOM;
    if (size > SLAB_SIZE) return new Uint8Array(size);
    if (this.#used + size > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_SIZE);
      this.#used = 0;
    }
    const slot = this.#slab.subarray(this.#used, this.#used + size);
    this.#used += size;
    return slot;
  }
}
