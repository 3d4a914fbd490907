/** What name servers have said, for as long as it holds. */

/** Names kept at once; the one that was not used for the longest time makes room. */
const MAX_NAMES = 1024;

/** An answer is believed no longer than this, whatever its TTL. */
const LONGEST = 60 * 60_000;

interface Entry {
  /** IP texts; empty where the name has none. */
  readonly addresses: readonly string[];
  /** The `now` at which it is gone. */
  readonly expiresAt: number;
}

export class NameCache {
  /** In the order in which they were last used. */
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /** The addresses of a name, none where it is known to have none; undefined where nothing is known. */
  get(name: string, now: number): readonly string[] | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#entries.delete(name);
    if (now >= entry.expiresAt) return undefined;
    this.#entries.set(name, entry);
    return entry.addresses;
  }

  /** @param ttl milliseconds; with 0 nothing is kept (RFC 1035 3.2.1) */
  set(name: string, addresses: readonly string[], ttl: number, now: number): void {
    this.#entries.delete(name);
    if (ttl <= 0) return;
    this.#entries.set(name, { addresses, expiresAt: now + Math.min(ttl, LONGEST) });
    if (this.#entries.size <= MAX_NAMES) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
