import { addressKey, type IpAddress } from '../../wire/ip-address.js';

/** How a gateway's addresses become local. */
export interface Adoption {
  /** The maximum number of adopted addresses; it must exceed the number that can be held. */
  readonly most: number;
  /** Returns the indexes that other tables use. */
  readonly held: () => ReadonlySet<number>;
}

/**
 * The local addresses of the stack. Other tables refer to an address by its index, which stays the
 * same while the address is local.
 */
export class OwnAddresses {
  /**
   * Current and removed addresses by index. The change that removes an address does not reuse its
   * index, but a later change may.
   */
  readonly #places: IpAddress[] = [];
  #addresses: readonly IpAddress[] = [];
  #indexes = new Map<number | string, number>();
  readonly #adoption: Adoption | undefined;
  /** The indexes of adopted addresses. */
  readonly #adopted = new Set<number>();
  /** The indexes of disowned addresses. */
  #freeIndexes: number[] = [];
  #firstIpv4 = -1;
  #firstIpv6 = -1;

  /**
   * @param adoption makes every unicast address local when a packet for it arrives; by default, only
   * the given addresses are local
   * @throws RangeError if no address is given, or if an address has an invalid length
   */
  constructor(addresses: readonly IpAddress[], adoption?: Adoption) {
    this.#adoption = adoption;
    this.replace(addresses, () => false);
  }

  /**
   * Replaces all addresses. Before the next call, other tables must remove their entries for
   * removed addresses, unless `isHeld` returns true for the index.
   *
   * @param isHeld whether a table still uses an index, for example because a listener is waiting
   * for its address to return
   * @throws RangeError as the constructor does; the addresses then stay unchanged
   */
  replace(addresses: readonly IpAddress[], isHeld: (index: number) => boolean): void {
    if (addresses.length === 0) throw new RangeError('a stack must have at least one address');
    const wanted = new Map<number | string, IpAddress>();
    for (const address of addresses) {
      if (address.length !== 4 && address.length !== 16) {
        throw new RangeError('an address must be 4 or 16 bytes long');
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
    this.#adopted.clear();
    this.#freeIndexes = [];
    this.#firstIpv4 = this.#firstOf(4);
    this.#firstIpv6 = this.#firstOf(16);
  }

  /** The local addresses in the order given. */
  get all(): readonly IpAddress[] {
    return this.#addresses;
  }

  get hasIpv6(): boolean {
    return this.#addresses.some((address) => address.length === 16);
  }

  /** Whether the address with this index is still local. */
  isOurs(index: number): boolean {
    return this.indexOf(this.at(index)) === index;
  }

  /** The index of `address`; undefined if it is not local. */
  indexOf(address: IpAddress): number | undefined {
    return this.indexOfKey(addressKey(address));
  }

  /** The index of the address with this addressKey(); undefined if it is not local. */
  indexOfKey(key: number | string): number | undefined {
    return this.#indexes.get(key);
  }

  /**
   * Makes the destination of a packet local.
   *
   * @param key the addressKey() of the address
   * @returns its index; undefined without adoption, for an address that no host can have, and if all
   * adopted addresses are in use
   */
  adopt(key: number | string, address: IpAddress): number | undefined {
    if (this.#adoption === undefined || !isUnicast(address)) return undefined;
    const { most, held } = this.#adoption;
    if (this.#adopted.size >= most) this.#disown(held());
    if (this.#adopted.size >= most) return undefined;
    const index = this.#freeIndexes.pop() ?? this.#places.length;
    this.#places[index] = address.slice();
    this.#indexes.set(key, index);
    this.#adopted.add(index);
    return index;
  }

  /** Whether a gateway has adopted the address with this index. */
  isAdopted(index: number): boolean {
    return this.#adopted.has(index);
  }

  #disown(held: ReadonlySet<number>): void {
    for (const index of this.#adopted) {
      if (held.has(index)) continue;
      this.#adopted.delete(index);
      this.#indexes.delete(addressKey(this.at(index)));
      this.#freeIndexes.push(index);
    }
  }

  at(index: number): IpAddress {
    return this.#places[index]!;
  }

  /**
   * The index of the first address of the same family as `remote`; -1 if no such address exists.
   */
  firstFor(remote: IpAddress): number {
    return remote.length === 4 ? this.#firstIpv4 : this.#firstIpv6;
  }

  #firstOf(length: number): number {
    const first = this.#addresses.find((address) => address.length === length);
    return first === undefined ? -1 : this.indexOf(first)!;
  }

  /**
   * Returns the index of the source address for `remote`: `wanted`, or by default the first address
   * of the same family.
   *
   * @throws RangeError if `wanted` is not local or the family has no address
   */
  select(remote: IpAddress, wanted?: IpAddress): number {
    const index = wanted === undefined ? this.firstFor(remote) : (this.indexOf(wanted) ?? -1);
    if (index < 0 || this.at(index).length !== remote.length) {
      throw new RangeError(
        'the stack does not have an address of the same family as the remote address',
      );
    }
    return index;
  }
}

/**
 * Whether this is a unicast address of a host. Other addresses MUST NOT be used as a source (RFC
 * 1122 3.2.1.3; RFC 4291 2.5.2, 2.5.3, 2.7), and errors are never sent to them.
 */
export function isUnicast(address: IpAddress): boolean {
  const first = address[0]!;
  if (address.length === 4) {
    // Excludes "this network" (0.0.0.0/8), loopback, multicast, reserved and broadcast addresses.
    return first !== 0 && first !== 127 && first < 224;
  }
  return first !== 0xff && !(first === 0 && isSpecialIpv6(address));
}

/** Whether the address is unspecified (::), loopback (::1), or IPv4-mapped (::ffff:0:0/96). */
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
