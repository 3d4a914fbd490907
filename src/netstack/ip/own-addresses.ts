import { addressKey, type IpAddress } from '../../wire/ip-address.js';

/** The addresses of the stack. Tables hold an address by its index here. */
export class OwnAddresses {
  readonly #addresses: readonly IpAddress[];
  readonly #indexes = new Map<number | string, number>();

  /** @throws RangeError without an address, or with one that is not IPv4 */
  constructor(addresses: readonly IpAddress[]) {
    if (addresses.length === 0) throw new RangeError('a stack needs an address');
    this.#addresses = addresses.map((address) => address.slice());
    for (const [index, address] of this.#addresses.entries()) {
      if (address.length !== 4) throw new RangeError('only IPv4 addresses are supported');
      this.#indexes.set(addressKey(address), index);
    }
  }

  /** The index of `address`, or undefined when it is not one of ours. */
  indexOf(address: IpAddress): number | undefined {
    return this.#indexes.get(addressKey(address));
  }

  at(index: number): IpAddress {
    return this.#addresses[index]!;
  }

  /**
   * The index of the address to speak to `remote` from: the wanted one, or the first of the family.
   * @throws RangeError when the wanted address is not ours or there is none of the family
   */
  select(remote: IpAddress, wanted?: IpAddress): number {
    const index =
      wanted === undefined
        ? this.#addresses.findIndex((address) => address.length === remote.length)
        : (this.indexOf(wanted) ?? -1);
    if (index < 0 || this.at(index).length !== remote.length) {
      throw new RangeError('no own address fits the remote one');
    }
    return index;
  }
}

/**
 * Whether a host may have this address as its own: not this network, loopback, multicast, reserved
 * or broadcast. RFC 1122 3.2.1.3: others MUST NOT be accepted as a source.
 */
export function isUnicast(address: IpAddress): boolean {
  const first = address[0]!;
  return first !== 0 && first !== 127 && first < 224;
}
