import type { Entropy } from '../../ports/entropy.js';
import { randomSipHashKey, SipHash } from '../../lib/siphash.js';
import type { SocketAddress } from '../../wire/ip-address.js';

/**
 * A set-associative cache of flows: the hash selects a set, and each set holds its WAYS latest
 * flows. The number of sets doubles from FEWEST_SETS to SETS; both must be powers of two.
 */
const FEWEST_SETS = 4;
const SETS = 256;
const WAYS = 8;
/** A flow is stored as two words. */
const SET_LENGTH = WAYS * 2;

const FLOW_LABEL_BITS = 0xfffff;

/**
 * Keyed hashes of flows (a protocol and two endpoints). The hashes provide IPv6 flow labels, and
 * show whether this stack probably sent a packet that an ICMP error quotes.
 */
export class Flows {
  readonly #hash: SipHash;
  /**
   * Both 32-bit words of each recorded flow's hash; within each set, the latest flow comes first.
   */
  #noted = new Int32Array(FEWEST_SETS * SET_LENGTH);

  constructor(entropy: Entropy) {
    this.#hash = new SipHash(randomSipHashKey(entropy));
  }

  /** RFC 6437 3: returns a uniformly distributed, unpredictable flow label; never 0 (no label). */
  label(protocol: number, local: SocketAddress, remote: SocketAddress): number {
    this.#hash.hash(flowInput(protocol, local, remote));
    return this.#hash.high & FLOW_LABEL_BITS || 1;
  }

  /** Records that a packet of the flow was sent. */
  note(protocol: number, local: SocketAddress, remote: SocketAddress): void {
    const low = this.#hash.hash(flowInput(protocol, local, remote));
    const { high } = this.#hash;
    if (this.#find(low, high)) return;
    while (this.#isSetFull(low) && this.#noted.length < SETS * SET_LENGTH) this.#grow();
    this.#insert(low, high);
  }

  /** Whether the flow was recorded and not yet evicted by newer flows. */
  isNoted(protocol: number, local: SocketAddress, remote: SocketAddress): boolean {
    const low = this.#hash.hash(flowInput(protocol, local, remote));
    return this.#find(low, this.#hash.high);
  }

  #find(low: number, high: number): boolean {
    const set = this.#setOf(low);
    for (let at = set; at < set + SET_LENGTH; at += 2) {
      if (this.#noted[at] === low && this.#noted[at + 1] === high) return true;
    }
    return false;
  }

  #setOf(low: number): number {
    return (low & (this.#noted.length / SET_LENGTH - 1)) * SET_LENGTH;
  }

  #isSetFull(low: number): boolean {
    const last = this.#setOf(low) + SET_LENGTH - 2;
    return this.#noted[last] !== 0 || this.#noted[last + 1] !== 0;
  }

  #insert(low: number, high: number): void {
    const set = this.#setOf(low);
    this.#noted.copyWithin(set + 2, set, set + SET_LENGTH - 2);
    this.#noted[set] = low;
    this.#noted[set + 1] = high;
  }

  /** Doubles the number of sets, and keeps the order within each set. */
  #grow(): void {
    const old = this.#noted;
    this.#noted = new Int32Array(old.length * 2);
    for (let at = old.length - 2; at >= 0; at -= 2) {
      const [low, high] = [old[at]!, old[at + 1]!];
      if (low !== 0 || high !== 0) this.#insert(low, high);
    }
  }
}

/**
 * Encodes protocol, ports and addresses. The encoding is unambiguous, because each family's
 * addresses have a fixed length.
 */
function flowInput(protocol: number, local: SocketAddress, remote: SocketAddress): Uint8Array {
  const { length } = local.address;
  const input = new Uint8Array(5 + 2 * length);
  input[0] = protocol;
  input[1] = local.port >>> 8;
  input[2] = local.port;
  input[3] = remote.port >>> 8;
  input[4] = remote.port;
  input.set(local.address, 5);
  input.set(remote.address, 5 + length);
  return input;
}
