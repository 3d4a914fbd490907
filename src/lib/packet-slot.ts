/**
 * A slot contains an outgoing IP packet: a Uint8Array with free space before and after the packet.
 * WireGuard writes its header and its tag there without copying the packet.
 *
 *     [ PACKET_HEADROOM ][ IP packet ][ PACKET_TAILROOM ]
 */

/** Space for the transport data header: type, receiver index and counter (WireGuard 5.4.6). */
export const PACKET_HEADROOM = 16;

/** Space for up to 15 bytes of padding and the 16-byte authentication tag, rounded up to 32. */
export const PACKET_TAILROOM = 32;

/** Returns a view of the IP packet inside `slot`. */
export function packetInSlot(slot: Uint8Array): Uint8Array {
  return slot.subarray(PACKET_HEADROOM, slot.length - PACKET_TAILROOM);
}

const SLAB_SIZE = 256 * 1024;

/** The alignment of slots, in bytes. */
const ALIGNMENT = 4;

/**
 * The current slab, and the number of its bytes that are in use. All stacks share the slab, so that
 * a process with many tunnels does not keep one for each.
 */
let slab = new Uint8Array(0);
let used = 0;

/**
 * Allocates slots from slabs of 256 KiB. The garbage collector frees a slab only when none of its
 * slots is in use.
 */
export class PacketSlots {
  /** Returns a zero-filled slot for a packet of `length` bytes. */
  allocate(length: number): Uint8Array {
    const size = PACKET_HEADROOM + length + PACKET_TAILROOM;
    if (size > SLAB_SIZE) return new Uint8Array(size);
    if (used + size > slab.length) {
      slab = new Uint8Array(SLAB_SIZE);
      used = 0;
    }
    const slot = slab.subarray(used, used + size);
    // The checksum of an aligned packet is faster to compute.
    used += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    return slot;
  }
}
