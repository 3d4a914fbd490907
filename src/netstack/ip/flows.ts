import type { Entropy } from '../../ports/entropy.js';
import { randomSipHashKey, SipHash } from '../../lib/siphash.js';
import type { SocketAddress } from '../../wire/ip-address.js';

/**
 * Flows are remembered in sets of those whose hashes end alike: the last eight of each, so that
 * flows have to be many before one is forgotten. The number of sets is a power of two.
 */
const SETS = 256;
const WAYS = 8;

const FLOW_LABEL_BITS = 0xfffff;

/**
 * Keyed hashes of flows: a protocol and its two ends. They give IPv6 flow labels, and tell later
 * whether a packet that an ICMP error quotes may be one of ours.
 */
export class Flows {
  readonly #hash: SipHash;
  /** Both words of the hash of each flow that was noted, in each set the latest first. */
  readonly #noted = new Int32Array(SETS * WAYS * 2);

  constructor(entropy: Entropy) {
    this.#hash = new SipHash(randomSipHashKey(entropy));
  }

  /**
   * RFC 6437 3: one label for each flow, evenly spread and not to be foreseen. Never 0, which is
   * no label.
   */
  label(protocol: number, local: SocketAddress, remote: SocketAddress): number {
    this.#hash.hash(flowInput(protocol, local, remote));
    return this.#hash.high & FLOW_LABEL_BITS || 1;
  }

  /** A packet of the flow has been sent. */
  note(protocol: number, local: SocketAddress, remote: SocketAddress): void {
    const low = this.#hash.hash(flowInput(protocol, local, remote));
    const { high } = this.#hash;
    if (this.#find(low, high)) return;
    const set = setOf(low);
    this.#noted.copyWithin(set + 2, set, set + (WAYS - 1) * 2);
    this.#noted[set] = low;
    this.#noted[set + 1] = high;
  }

  /** Whether the flow was noted, and not so many others since that it was forgotten. */
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

/** Where the set begins that a flow belongs to. */
function setOf(low: number): number {
  return (low & (SETS - 1)) * WAYS * 2;
}

/** Protocol, ports, addresses: of one length for each family, so that no two flows read alike. */
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
