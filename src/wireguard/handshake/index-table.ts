/**
 * Session indices: a message's receiver index identifies the local handshake or session (whitepaper
 * 5.4.2). Indices are random, so that they do not reveal how many sessions exist.
 */
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Entropy } from '../../ports/entropy.js';
import type { Keypair } from '../data/keypair.js';

/** The entry of an index: a handshake of `peer`, and later the session that it established. */
export interface IndexEntry<Peer> {
  readonly peer: Peer;
  keypair: Keypair | undefined;
}

/**
 * The number of released indices to remember, because messages in flight may still use them. This
 * covers the handshakes of a peer for at least 320 s; messages of a session are accepted for a
 * shorter time. With many peers, the number increases with the indices in use.
 */
const FORMER_INDICES = 64;
const MAX_FORMER_INDICES = 1_024;

/** All methods accept an index with or without a sign. */
export class IndexTable<Peer> {
  readonly #entropy: Entropy;
  /** The entries by their indices as signed numbers, which V8 stores without an object. */
  readonly #entries = new Map<number, IndexEntry<Peer>>();
  /** The most recently released indices, with a sign, in order of release. */
  readonly #former = new Set<number>();

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  get size(): number {
    return this.#entries.size;
  }

  lookup(index: number): IndexEntry<Peer> | undefined {
    return this.#entries.get(index | 0);
  }

  /** Allocates a random index, unique among those in use, for a handshake of `peer`. */
  allocate(peer: Peer): number {
    for (;;) {
      const index = randomUint32(this.#entropy);
      if (this.#entries.has(index | 0)) continue;
      this.#entries.set(index | 0, { peer, keypair: undefined });
      return index;
    }
  }

  /** Assigns the index of a completed handshake to its session. */
  promote(index: number, keypair: Keypair): void {
    const entry = this.#entries.get(index | 0);
    if (entry === undefined) throw new RangeError('the index is not allocated');
    entry.keypair = keypair;
  }

  release(index: number): void {
    if (!this.#entries.delete(index | 0)) return;
    this.#former.add(index | 0);
    const inUse = this.#entries.size;
    const limit = Math.min(MAX_FORMER_INDICES, FORMER_INDICES * Math.max(1, inUse));
    if (this.#former.size <= limit) return;
    for (const oldest of this.#former) {
      this.#former.delete(oldest);
      return;
    }
  }

  /**
   * Whether this table never allocated `index`. Also true for an index that was released too long
   * ago to be remembered.
   */
  isStrange(index: number): boolean {
    return !this.#entries.has(index | 0) && !this.#former.has(index | 0);
  }
}
