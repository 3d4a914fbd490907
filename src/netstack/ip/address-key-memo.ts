import { addressKey, type IpAddress } from '../../wire/ip-address.js';

/**
 * Caches the addressKey() of the last address, because IPv6 keys are strings, and many consecutive
 * packets often come from the same source.
 */
export class AddressKeyMemo {
  #address: Uint8Array = new Uint8Array(0);
  #key: number | string = 0;

  keyOf(address: IpAddress): number | string {
    if (address.length === 4) return addressKey(address);
    if (!this.#isLast(address)) {
      this.#address = address.slice();
      this.#key = addressKey(address);
    }
    return this.#key;
  }

  #isLast(address: IpAddress): boolean {
    const last = this.#address;
    if (last.length === 0) return false;
    // Compare backwards, because addresses usually differ at the end.
    for (let index = 15; index >= 0; index--) {
      if (address[index] !== last[index]) return false;
    }
    return true;
  }
}
