/**
 * Session indices: what the other side writes into a message to say which handshake or session of
 * ours it belongs to (whitepaper 5.4.2). Random, so that they tell nothing about how many there are.
 */
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Entropy } from '../../ports/entropy.js';
import type { Keypair } from '../data/keypair.js';

/** What an index stands for: a handshake of `peer`, then the session that came from it. */
export interface IndexEntry<Peer> {
  readonly peer: Peer;
  keypair: Keypair | undefined;
}

/** Indices out of use that are remembered: what is on its way still names them. */
const FORMER_INDICES = 1_024;

export class IndexTable<Peer> {
  readonly #entropy: Entropy;
  readonly #entries = new Map<number, IndexEntry<Peer>>();
  /** The latest that were given out and are out of use, in the order in which they came to be. */
  readonly #former = new Set<number>();

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  get size(): number {
    return this.#entries.size;
  }

  lookup(index: number): IndexEntry<Peer> | undefined {
    return this.#entries.get(index);
  }

  /** A new random index for a handshake of `peer`; unique among all that are in use. */
  allocate(peer: Peer): number {
    for (;;) {
      const index = randomUint32(this.#entropy);
      if (this.#entries.has(index)) continue;
      this.#entries.set(index, { peer, keypair: undefined });
      return index;
    }
  }

  /** Lets the index of a finished handshake stand for the session that came from it. */
  promote(index: number, keypair: Keypair): void {
    const entry = this.#entries.get(index);
    if (entry === undefined) throw new RangeError('the index is not allocated');
    entry.keypair = keypair;
  }

  release(index: number): void {
    if (!this.#entries.delete(index)) return;
    this.#former.add(index);
    if (this.#former.size <= FORMER_INDICES) return;
    for (const oldest of this.#former) {
      this.#former.delete(oldest);
      return;
    }
  }

  /** Whether an index is none that was ever given out here, as far as that is remembered. */
  isStrange(index: number): boolean {
    return !this.#entries.has(index) && !this.#former.has(index);
  }
}
