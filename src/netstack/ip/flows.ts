import type { Entropy } from '../../ports/entropy.js';
import { randomSipHashKey, SipHash } from '../../lib/siphash.js';
import type { SocketAddress } from '../../wire/ip-address.js';

/**
 * A set-associative cache of flows: the hash selects one of SETS sets, and each set holds its WAYS
 * latest flows. SETS must be a power of two.
 */
const SETS = 256;
const WAYS = 8;

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
  readonly #noted = new Int32Array(SETS * WAYS * 2);

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
    const set = setOf(low);
    this.#noted.copyWithin(set + 2, set, set + (WAYS - 1) * 2);
    this.#noted[set] = low;
    this.#noted[set + 1] = high;
  }

  /** Whether the flow was recorded and not yet evicted by newer flows. */
  isNoted(protocol: number, local: SocketAddress, remote: SocketAddress): boolean {
    const low = this.#hash.hash(flowInput(protocol, local, remote));
    return this.#find(low, this.#hash.high);
  }

  #find(low: number, high: number): boolean {
    const set = setOf(low);
    for (let at = set; at < set + WAYS * 2; at += 2) {
      if (this.#noted[at] === low && this.#noted[at + 1] === high) return true;
    }
    return false;
  }
}

function setOf(low: number): number {
  return (low & (SETS - 1)) * WAYS * 2;
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
