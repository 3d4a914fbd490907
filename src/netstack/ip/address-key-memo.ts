import { addressKey } from '../../wire/ip-address.js';
import { readInt32 } from '../../wire/bytes.js';

/**
 * Caches the addressKey() of the last address, because IPv6 keys are strings, and many consecutive
 * packets often come from the same source.
 */
export class AddressKeyMemo {
  #address = new Uint8Array(0);
  #key: number | string = 0;

  /** Returns the addressKey() of the address at `offset`, which has 4 or 16 bytes. */
  keyAt(bytes: Uint8Array, offset: number, length: number): number | string {
    if (length === 4) return readInt32(bytes, offset) >>> 0;
    if (!this.#isLast(bytes, offset)) {
      this.#address = bytes.slice(offset, offset + length);
      this.#key = addressKey(this.#address);
    }
    return this.#key;
  }

  #isLast(bytes: Uint8Array, offset: number): boolean {
    const last = this.#address;
    if (last.length === 0) return false;
    // Compare backwards, because addresses usually differ at the end.
    for (let index = 15; index >= 0; index--) {
      if (bytes[offset + index] !== last[index]) return false;
    }
    return true;
  }
}
