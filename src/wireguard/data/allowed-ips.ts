/**
 * The cryptokey routing table (whitepaper 2), which maps an address to the peer with the longest
 * matching prefix. Each address family has a binary trie with path compression, as in the Linux
 * kernel. A lookup takes one step per branch, regardless of the number of prefixes, and does not
 * allocate memory.
 */
import { type IpAddress, type IpPrefix, maskAddress } from '../../wire/ip-address.js';

class Node<Value extends object> {
  readonly address: IpAddress;
  readonly prefixLength: number;
  /** The owner of this prefix; undefined if the node is only a branching point. */
  value: Value | undefined;
  zero: Node<Value> | undefined = undefined;
  one: Node<Value> | undefined = undefined;

  constructor(address: IpAddress, prefixLength: number, value: Value | undefined) {
    this.address = address;
    this.prefixLength = prefixLength;
    this.value = value;
  }

  /** Attaches `node` as the child for the half of this prefix that contains `node`. */
  attach(node: Node<Value>): void {
    if (bitAt(node.address, this.prefixLength) === 0) this.zero = node;
    else this.one = node;
  }
}

export class AllowedIps<Value extends object> {
  #ipv4: Node<Value> | undefined;
  #ipv6: Node<Value> | undefined;

  /** Assigns a prefix to `value`, which replaces the prefix's previous owner. */
  set(prefix: IpPrefix, value: Value): void {
    const { prefixLength } = prefix;
    const address = maskAddress(prefix.address, prefixLength);
    let parent: Node<Value> | undefined;
    let node = address.length === 4 ? this.#ipv4 : this.#ipv6;
    while (node !== undefined && node.prefixLength <= prefixLength && covers(node, address)) {
      if (node.prefixLength === prefixLength) {
        node.value = value;
        return;
      }
      parent = node;
      node = bitAt(address, node.prefixLength) === 0 ? node.zero : node.one;
    }
    const joined = join(new Node(address, prefixLength, value), node);
    if (parent !== undefined) parent.attach(joined);
    else if (address.length === 4) this.#ipv4 = joined;
    else this.#ipv6 = joined;
  }

  /** Returns all prefixes of `value` in ascending order, IPv4 before IPv6. */
  prefixesOf(value: Value): IpPrefix[] {
    const found: IpPrefix[] = [];
    collect(this.#ipv4, value, found);
    collect(this.#ipv6, value, found);
    return found;
  }

  removeAll(value: Value): void {
    this.#ipv4 = prune(this.#ipv4, value);
    this.#ipv6 = prune(this.#ipv6, value);
  }

  /** Whether the table is empty. Tests use this to check that the trie does not leak. */
  get isEmpty(): boolean {
    return this.#ipv4 === undefined && this.#ipv6 === undefined;
  }

  lookup(address: IpAddress): Value | undefined {
    return this.lookupAt(address, 0, address.length);
  }

  /** Returns the owner of the address in `bytes` at `offset`. `length` is 4 or 16 bytes. */
  lookupAt(bytes: Uint8Array, offset: number, length: number): Value | undefined {
    let node = length === 4 ? this.#ipv4 : this.#ipv6;
    let found: Value | undefined;
    let matched = 0;
    while (node !== undefined && matches(node, bytes, offset, matched)) {
      if (node.value !== undefined) found = node.value;
      matched = node.prefixLength;
      if (matched === length * 8) break;
      node = bitAt(bytes, offset * 8 + matched) === 0 ? node.zero : node.one;
    }
    return found;
  }
}

function bitAt(bytes: Uint8Array, bit: number): number {
  return (bytes[bit >> 3]! >> (7 - (bit & 7))) & 1;
}

function covers(node: Node<object>, address: IpAddress): boolean {
  return matches(node, address, 0, 0);
}

/** Whether the node's prefix contains the address in `bytes`, ignoring the first `known` bits. */
function matches(node: Node<object>, bytes: Uint8Array, offset: number, known: number): boolean {
  const whole = node.prefixLength >> 3;
  for (let index = known >> 3; index < whole; index++) {
    if (node.address[index] !== bytes[offset + index]) return false;
  }
  const rest = node.prefixLength & 7;
  return rest === 0 || (node.address[whole]! ^ bytes[offset + whole]!) >> (8 - rest) === 0;
}

/** Returns a subtree that contains the new leaf and the node whose position it takes. */
function join<Value extends object>(
  leaf: Node<Value>,
  other: Node<Value> | undefined,
): Node<Value> {
  if (other === undefined) return leaf;
  const common = commonBits(leaf, other);
  if (common === leaf.prefixLength) {
    leaf.attach(other);
    return leaf;
  }
  const fork = new Node<Value>(maskAddress(leaf.address, common), common, undefined);
  fork.attach(leaf);
  fork.attach(other);
  return fork;
}

function commonBits(left: Node<object>, right: Node<object>): number {
  const limit = Math.min(left.prefixLength, right.prefixLength);
  let bit = 0;
  while (bit < limit && bitAt(left.address, bit) === bitAt(right.address, bit)) bit++;
  return bit;
}

/** Returns the subtree without the nodes of `value`. The recursion is at most 128 levels deep. */
function prune<Value extends object>(
  node: Node<Value> | undefined,
  value: Value,
): Node<Value> | undefined {
  if (node === undefined) return undefined;
  node.zero = prune(node.zero, value);
  node.one = prune(node.one, value);
  if (node.value === value) node.value = undefined;
  if (node.value !== undefined || (node.zero !== undefined && node.one !== undefined)) return node;
  return node.zero ?? node.one;
}

function collect<Value extends object>(
  node: Node<Value> | undefined,
  value: Value,
  found: IpPrefix[],
): void {
  if (node === undefined) return;
  const { address, prefixLength } = node;
  if (node.value === value) found.push({ address, prefixLength });
  collect(node.zero, value, found);
  collect(node.one, value, found);
}
