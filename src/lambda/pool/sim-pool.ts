/**
 * Which virtual SIM of a pool a sandbox uses, where many sandboxes share the pool and know nothing of
 * each other. Read first: docs/decisions/0014-one-sim-each.md, which has the odds.
 *
 * - The first SIM is drawn at random.
 * - Who has had its SIM alone for TENURE, and answers on it in the last MEMORY, is its **incumbent**,
 *   all others are **newcomers**. A sandbox that was frozen or idle for longer is a newcomer when it
 *   wakes: another may have come to be the incumbent meanwhile. It begins with the SIM that it had.
 * - At the first sign of a rival a newcomer moves on by a coin, at the second it does. Of two newcomers
 *   one is likely to stay; an incumbent stays, and no coin falls its way twice.
 * - An incumbent tosses the coin only where signs go on for longer than a newcomer would stay: the other
 *   takes itself for the incumbent.
 * - The next SIM is drawn from those that were not tried in this round. When all were, there are more
 *   sandboxes than SIMs, or nearly: it stays where it is, whoever is there, for a pause that doubles
 *   with each such round. Where it is silent there, it goes back to one that was not.
 *
 * Pure: `now` is the wall clock's, in ms, for a frozen machine's other clocks stand still.
 */
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Entropy } from '../../ports/entropy.js';

/** Answers without a sign of a rival over this long make an incumbent, in ms. */
export const TENURE = 30_000;

/** So long after the last answer it is one still, in ms. */
export const MEMORY = 60_000;

/** The first pause behind a round in vain, and the longest, in ms; each is drawn up to half longer. */
export const SHORTEST_PAUSE = 60_000;
export const LONGEST_PAUSE = 15 * 60_000;

/** Signs within PERSISTENT, in ms, that no newcomer gives who passes: one in 5 s (whitepaper 6.1). */
const PERSISTENT_SIGNS = 6;
const PERSISTENT = 60_000;

/** What to do. */
export type PoolDecision =
  | { readonly action: 'stay' }
  | { readonly action: 'move'; readonly to: number }
  /** All SIMs were tried in vain: it stays for `pause` ms, and rivals with it; at `to` where that is set. */
  | { readonly action: 'share'; readonly pause: number; readonly to?: number | undefined };

const STAY: PoolDecision = { action: 'stay' };

export class SimPool {
  readonly #size: number;
  readonly #entropy: Entropy;
  #current: number;
  /** Those of this round, the current one included. */
  readonly #tried = new Set<number>();
  /** Those of this round that did not answer. */
  readonly #silent = new Set<number>();
  /** When there were signs of a rival on the current SIM: a newcomer's, or an incumbent's of late. */
  #signs: readonly number[] = [];
  /** When the first answer came behind the last sign; undefined for none. */
  #aloneSince: number | undefined;
  #answeredAt = -Infinity;
  #isIncumbent = false;
  #pause = SHORTEST_PAUSE;
  #pausedUntil = -Infinity;

  /**
   * @param size SIMs in the pool
   * @param first the one to begin with, where this sandbox has had one before
   * @throws RangeError for a pool of none, or a first one that it does not have
   */
  constructor(size: number, entropy: Entropy, first?: number) {
    if (!(Number.isInteger(size) && size > 0)) throw new RangeError('a pool has one SIM at least');
    this.#size = size;
    this.#entropy = entropy;
    this.#current = first ?? this.#draw(size);
    if (!(this.#current >= 0 && this.#current < size)) throw new RangeError('no SIM of the pool');
    this.#tried.add(this.#current);
  }

  /** The SIM to use, from 0. */
  get current(): number {
    return this.#current;
  }

  isIncumbent(now: number): boolean {
    // A clock that was set back by more says as little as one that has moved on.
    return this.#isIncumbent && Math.abs(now - this.#answeredAt) <= MEMORY;
  }

  /** Something inside the tunnel has answered us. */
  answered(now: number): void {
    // Frozen or idle since then: whoever came meanwhile may have become the incumbent.
    if (Math.abs(now - this.#answeredAt) > MEMORY) {
      this.#isIncumbent = false;
      this.#aloneSince = undefined;
    }
    this.#answeredAt = now;
    this.#silent.delete(this.#current);
    this.#aloneSince ??= now;
    if (now - this.#aloneSince < TENURE) return;
    if (!this.#isIncumbent) this.#signs = [];
    this.#isIncumbent = true;
    this.#pause = SHORTEST_PAUSE;
    this.#beginRound();
  }

  /** An answer took so long that the session may have been lost on the way: that is no time alone. */
  interrupted(now: number): void {
    if (!this.isIncumbent(now)) this.#aloneSince = undefined;
  }

  /** There is a sign of a rival: it may have taken the session. */
  doubted(now: number): PoolDecision {
    this.#signs = [...this.#signs, now].slice(-PERSISTENT_SIGNS);
    if (this.isIncumbent(now)) return this.#doubtedIncumbent(now);
    this.#isIncumbent = false;
    this.#aloneSince = undefined;
    return this.#signs.length > 1 || this.#coin() ? this.#moveOn(now) : STAY;
  }

  #doubtedIncumbent(now: number): PoolDecision {
    this.#signs = this.#signs.filter((moment) => now - moment < PERSISTENT);
    if (this.#signs.length < PERSISTENT_SIGNS) return STAY;
    this.#signs = [];
    return this.#coin() ? this.#moveOn(now) : STAY;
  }

  /** The SIM is not answered: it may be terminated, or its server have seen a later clock than ours. */
  silent(now: number): PoolDecision {
    this.#silent.add(this.#current);
    return this.#moveOn(now);
  }

  /** To be called when a move was made. */
  moved(to: number): void {
    this.#current = to;
    this.#tried.add(to);
    this.#signs = [];
    this.#aloneSince = undefined;
    this.#answeredAt = -Infinity;
    this.#isIncumbent = false;
  }

  #moveOn(now: number): PoolDecision {
    if (this.#size === 1 || this.#isPaused(now)) return STAY;
    // A pause is over: the others may have gone, or come.
    if (this.#pausedUntil > -Infinity) this.#beginRound();
    const to = this.#drawFrom(this.#untried());
    if (to !== undefined) return { action: 'move', to };
    const pause = this.#pause + this.#draw(this.#pause / 2);
    this.#pausedUntil = now + pause;
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
    if (!this.#silent.has(this.#current)) return { action: 'share', pause };
    const answering = [...this.#tried].filter((index) => !this.#silent.has(index));
    return { action: 'share', pause, to: this.#drawFrom(answering) };
  }

  #isPaused(now: number): boolean {
    const left = this.#pausedUntil - now;
    // More is left than there ever was where the clock was set back.
    return left > 0 && left <= 1.5 * LONGEST_PAUSE;
  }

  #beginRound(): void {
    const isSilent = this.#silent.has(this.#current);
    this.#pausedUntil = -Infinity;
    this.#tried.clear();
    this.#tried.add(this.#current);
    this.#silent.clear();
    if (isSilent) this.#silent.add(this.#current);
  }

  #untried(): number[] {
    const all = Array.from({ length: this.#size }, (_, index) => index);
    return all.filter((index) => !this.#tried.has(index));
  }

  #drawFrom(indices: readonly number[]): number | undefined {
    return indices.length > 0 ? indices[this.#draw(indices.length)] : undefined;
  }

  #coin(): boolean {
    return this.#draw(2) === 1;
  }

  /** A random integer below `limit`; the bias of 2^32 is none for a pool. */
  #draw(limit: number): number {
    return randomUint32(this.#entropy) % limit;
  }
}
