import { addressKey, type IpAddress } from '../../wire/ip-address.js';

/** The addresses of the stack. Tables hold an address by its index here. */
export class OwnAddresses {
  readonly #addresses: readonly IpAddress[];
  readonly #indexes = new Map<number | string, number>();

  /** @throws RangeError without an address, or with one that is of no family */
  constructor(addresses: readonly IpAddress[]) {
    if (addresses.length === 0) throw new RangeError('a stack needs an address');
    this.#addresses = addresses.map((address) => address.slice());
    for (const [index, address] of this.#addresses.entries()) {
      if (address.length !== 4 && address.length !== 16) {
        throw new RangeError('an address has 4 or 16 bytes');
      }
      this.#indexes.set(addressKey(address), index);
    }
  }

  /** Whether one of them is an IPv6 address. */
  get hasIpv6(): boolean {
    return this.#addresses.some((address) => address.length === 16);
  }

  /** The index of `address`, or undefined when it is not one of ours. */
  indexOf(address: IpAddress): number | undefined {
    return this.indexOfKey(addressKey(address));
  }

  /** The same for an address as addressKey() makes it. */
  indexOfKey(key: number | string): number | undefined {
    return this.#indexes.get(key);
  }

  at(index: number): IpAddress {
    return this.#addresses[index]!;
  }

  /** The index of the first address of the family of `remote`; -1 when there is none. */
  firstFor(remote: IpAddress): number {
    return this.#addresses.findIndex((address) => address.length === remote.length);
  }

  /**
   * The index of the address to speak to `remote` from: the wanted one, or the first of the family.
   * @throws RangeError when the wanted address is not ours or there is none of the family
   */
  select(remote: IpAddress, wanted?: IpAddress): number {
    const index = wanted === undefined ? this.firstFor(remote) : (this.indexOf(wanted) ?? -1);
    if (index < 0 || this.at(index).length !== remote.length) {
      throw new RangeError('no own address fits the remote one');
    }
    return index;
  }
}

/**
 * Whether a host may have this address as its own. RFC 1122 3.2.1.3 and RFC 4291 2.5.2, 2.5.3,
 * 2.7: others MUST NOT be a source, and an error is never sent to them.
 */
export function isUnicast(address: IpAddress): boolean {
  const first = address[0]!;
  if (address.length === 4) {
    // Not this network, loopback, multicast, reserved or broadcast.
    return first !== 0 && first !== 127 && first < 224;
  }
  return first !== 0xff && !(first === 0 && isSpecialIpv6(address));
}

/** Unspecified (::), loopback (::1), or an IPv4 address that was mapped (::ffff:0:0/96). */
function isSpecialIpv6(address: IpAddress): boolean {
  for (let index = 0; index < 10; index++) {
    if (address[index] !== 0) return false;
  }
  if (address[10] === 0xff && address[11] === 0xff) return true;
  for (let index = 10; index < 15; index++) {
    if (address[index] !== 0) return false;
  }
  return address[15]! < 2;
}
