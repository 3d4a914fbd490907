/** Memory that the system writes received bytes into, and that is its reader's from then on. */
import type { Libc } from '../libc.js';

const SLAB_SIZE = 512 * 1024;

/** Keeps what follows on the boundary of a machine word. */
const ALIGNMENT = 8;

/**
 * Cuts received bytes from slabs of 512 KiB. Nothing is written twice and nothing given back by hand:
 * a slab is collected when the last view of it is gone, so that a reader may keep and overwrite what
 * it got. The system writes straight into it, and only the rest of a slab that is too short for the
 * longest message is lost.
 */
export class ReceiveSlab {
  readonly #libc: Libc;
  readonly #longest: number;
  readonly #headroom: number;
  readonly #tailroom: number;
  #slab = new Uint8Array(0);
  #address = 0;
  #used = 0;

  /**
   * @param longest message, in bytes
   * @param headroom bytes that stay free in front of each message, for whoever uses it in place
   * @param tailroom bytes that stay free behind it
   */
  constructor(libc: Libc, longest: number, headroom = 0, tailroom = 0) {
    this.#libc = libc;
    this.#longest = longest;
    this.#headroom = headroom;
    this.#tailroom = tailroom;
  }

  /** Where the system may write the longest message. */
  reserve(): number {
    const room = this.#headroom + this.#longest + this.#tailroom;
    if (this.#used + room > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
      this.#address = Number(this.#libc.address(this.#slab));
      this.#used = 0;
    }
    return this.#address + this.#used + this.#headroom;
  }

  /** Takes the first `length` bytes of what was reserved last; to be split with `part`. */
  take(length: number): number {
    const start = this.#used + this.#headroom;
    const end = start + length + this.#tailroom;
    this.#used = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    return start;
  }

  /** The bytes from `start` on; they are the caller's. */
  part(start: number, length: number): Uint8Array {
    return new Uint8Array(this.#slab.buffer, start, length);
  }
}
