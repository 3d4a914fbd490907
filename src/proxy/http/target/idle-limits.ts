/**
 * How long targets keep an idle connection open, learned from the connections that they have
 * closed (docs/decisions/0003-keep-upstream-connections.md). Times are in ms; `now` is on a
 * monotonic clock.
 */

/**
 * A connection that was idle for less says nothing about the target's limit: no common server has
 * a shorter one, but each restart of a server closes connections that were just used.
 */
const SHORTEST = 200;

/** After this time, a limit is forgotten, because it may have been the restart of a server. */
const FORGET_AFTER = 600_000;

/** The maximum number of targets; the one whose limit was learned first is forgotten. */
export const MAX_TARGETS = 256;

export class IdleLimits {
  /** The limits by target, those learned first at the beginning. */
  readonly #limits = new Map<string, { readonly limit: number; readonly until: number }>();

  /** The target has closed a connection that was idle for `idle`. */
  closed(target: string, idle: number, now: number): void {
    if (idle < SHORTEST || idle >= this.of(target, now)) return;
    this.#limits.delete(target);
    this.#limits.set(target, { limit: idle, until: now + FORGET_AFTER });
    const [oldest] = this.#limits.keys();
    if (oldest !== undefined && this.#limits.size > MAX_TARGETS) this.#limits.delete(oldest);
  }

  /** Returns how long the target keeps an idle connection; Infinity if that is unknown. */
  of(target: string, now: number): number {
    const learned = this.#limits.get(target);
    return learned === undefined || now >= learned.until ? Infinity : learned.limit;
  }
}
