/**
 * Selects the virtual SIM that a sandbox uses from a pool. Many sandboxes share the pool, without
 * information about each other. docs/decisions/0014-one-sim-per-sandbox.md explains the
 * probabilities.
 *
 * - The first SIM is drawn at random.
 * - A sandbox that has used its SIM without a rival for TENURE, with a response within the last
 *   MEMORY, is its **incumbent**; all others are **newcomers**. A sandbox that was frozen or idle
 *   for longer resumes with its SIM as a newcomer, because another sandbox may have become the
 *   incumbent.
 * - At the first sign of a rival, a newcomer tosses a coin to decide whether to move; at the second
 *   sign, it always moves. Of two newcomers, one is likely to stay. An incumbent stays without a
 *   toss.
 * - An incumbent tosses a coin only if signs last longer than a newcomer would stay, because the
 *   other sandbox then considers itself the incumbent.
 * - The next SIM is drawn from those not yet tried in this round. If all were tried, there are
 *   about as many sandboxes as SIMs, or more. The sandbox then keeps its SIM despite rivals, for a
 *   pause that doubles with each such round. If that SIM is silent, the sandbox returns to a SIM
 *   that was not silent.
 *
 * This class does not read a clock: `now` is the wall clock in milliseconds, since other clocks
 * stop during a freeze.
 */
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Entropy } from '../../ports/entropy.js';

/**
 * A newcomer becomes an incumbent after it has received responses for this many milliseconds
 * without a sign of a rival.
 */
export const TENURE = 30_000;

/** An incumbent keeps its status for this many milliseconds after the last response. */
export const MEMORY = 60_000;

/**
 * The minimum and maximum pause in ms after a failed round; up to half of it is added at random.
 */
export const SHORTEST_PAUSE = 60_000;
export const LONGEST_PAUSE = 15 * 60_000;

/**
 * The number of signs within PERSISTENT milliseconds that prove a lasting rival. A newcomer causes
 * one sign every 5 s (whitepaper 6.1) and soon moves, so it causes fewer signs.
 */
const PERSISTENT_SIGNS = 6;
const PERSISTENT = 60_000;

/** What the sandbox should do. */
export type PoolDecision =
  | { readonly action: 'stay' }
  | { readonly action: 'move'; readonly to: number }
  /** All SIMs failed: keep the SIM for `pause` ms despite rivals, or move to `to` if set. */
  | { readonly action: 'share'; readonly pause: number; readonly to?: number | undefined };

const STAY: PoolDecision = { action: 'stay' };

export class SimPool {
  readonly #size: number;
  readonly #entropy: Entropy;
  #current: number;
  /** The SIMs tried in this round, including the current one. */
  readonly #tried = new Set<number>();
  /** The SIMs in this round that did not get a response. */
  readonly #silent = new Set<number>();
  /** The times of signs of a rival on the current SIM; an incumbent keeps only recent signs. */
  #signs: readonly number[] = [];
  /**
   * The time of the first response after the last sign; undefined if no response has arrived since.
   */
  #aloneSince: number | undefined;
  #answeredAt = -Infinity;
  #isIncumbent = false;
  #pause = SHORTEST_PAUSE;
  #pausedUntil = -Infinity;

  /**
   * @param size the number of SIMs in the pool
   * @param first the index of the SIM that this sandbox used before, if any
   * @throws RangeError if the pool is empty or does not contain the index
   */
  constructor(size: number, entropy: Entropy, first?: number) {
    if (!(Number.isInteger(size) && size > 0))
      throw new RangeError('a pool must have at least one SIM');
    this.#size = size;
    this.#entropy = entropy;
    this.#current = first ?? this.#draw(size);
    if (!(this.#current >= 0 && this.#current < size))
      throw new RangeError('the pool does not contain this SIM');
    this.#tried.add(this.#current);
  }

  /** The index of the SIM to use, from 0. */
  get current(): number {
    return this.#current;
  }

  isIncumbent(now: number): boolean {
    // The status also ends if the clock was set back by more than MEMORY.
    return this.#isIncumbent && Math.abs(now - this.#answeredAt) <= MEMORY;
  }

  /** Records a response from inside the tunnel. */
  answered(now: number): void {
    // After a freeze or an idle period, another sandbox may have become the incumbent.
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

  /** Records a slow response. The session may be lost, so the time without a rival starts again. */
  interrupted(now: number): void {
    if (!this.isIncumbent(now)) this.#aloneSince = undefined;
  }

  /** Records a sign of a rival, which may have taken the session. */
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

  /**
   * Records a silent SIM. The SIM may have been terminated, or used on a machine whose clock was
   * fast.
   */
  silent(now: number): PoolDecision {
    this.#silent.add(this.#current);
    return this.#moveOn(now);
  }

  /** Records a completed move. */
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
    // The pause is over, and other sandboxes may have started or ended.
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
    // If the remaining time exceeds the maximum pause, the clock was set back.
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

  /** Returns a random integer below `limit`; the modulo bias is negligible for a pool. */
  #draw(limit: number): number {
    return randomUint32(this.#entropy) % limit;
  }
}
