import { addressKey, type IpAddress } from '../../wire/ip-address.js';

/**
 * The addresses of the stack. Tables hold an address by its index here, which it keeps for as long as
 * it is ours.
 */
export class OwnAddresses {
  /** By index, ours or not: the place of one that is gone is taken at a later change, not at that one. */
  readonly #places: IpAddress[] = [];
  #addresses: readonly IpAddress[] = [];
  #indexes: ReadonlyMap<number | string, number> = new Map();
  #firstIpv4 = -1;
  #firstIpv6 = -1;

  /** @throws RangeError without an address, or with one that is of no family */
  constructor(addresses: readonly IpAddress[]) {
    this.replace(addresses, () => false);
  }

  /**
   * Takes others in the place of all. What tables hold by an index that is not ours any more has to be
   * taken out before the next change, but for what waits for the address to come back.
   *
   * @param isHeld whether a table goes on with an index, ours or not
   * @throws RangeError as the constructor does; nothing has changed then
   */
  replace(addresses: readonly IpAddress[], isHeld: (index: number) => boolean): void {
    if (addresses.length === 0) throw new RangeError('a stack needs an address');
    const wanted = new Map<number | string, IpAddress>();
    for (const address of addresses) {
      if (address.length !== 4 && address.length !== 16) {
        throw new RangeError('an address has 4 or 16 bytes');
      }
      wanted.set(addressKey(address), address.slice());
    }
    const known = new Map(this.#places.map((address, index) => [addressKey(address), index]));
    const kept = new Set([...wanted.keys()].map((key) => known.get(key)));
    const isFree = (index: number) => !this.isOurs(index) && !kept.has(index) && !isHeld(index);
    const free = [...this.#places.keys()].filter(isFree);
    const indexes = new Map<number | string, number>();
    for (const [key, address] of wanted) {
      const index = known.get(key) ?? free.shift() ?? this.#places.length;
      this.#places[index] = address;
      indexes.set(key, index);
    }
    this.#addresses = [...wanted.values()];
    this.#indexes = indexes;
    this.#firstIpv4 = this.#firstOf(4);
    this.#firstIpv6 = this.#firstOf(16);
  }

  /** In the order in which they were given. */
  get all(): readonly IpAddress[] {
    return this.#addresses;
  }

  /** Whether one of them is an IPv6 address. */
  get hasIpv6(): boolean {
    return this.#addresses.some((address) => address.length === 16);
  }

  /** Whether the address of an index is ours still. */
  isOurs(index: number): boolean {
    return this.indexOf(this.at(index)) === index;
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
    return this.#places[index]!;
  }

  /** The index of the first address of the family of `remote`; -1 when there is none. */
  firstFor(remote: IpAddress): number {
    return remote.length === 4 ? this.#firstIpv4 : this.#firstIpv6;
  }

  #firstOf(length: number): number {
    const first = this.#addresses.find((address) => address.length === length);
    return first === undefined ? -1 : this.indexOf(first)!;
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
