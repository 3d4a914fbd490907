/** Caches the responses of name servers for their TTL. */

/** The maximum number of names; the least recently used one is evicted. */
const MAX_NAMES = 1024;

/** The maximum lifetime of a response in milliseconds, regardless of its TTL. */
const LONGEST = 60 * 60_000;

interface Entry {
  /** IP addresses as strings; empty if the name has no addresses. */
  readonly addresses: readonly string[];
  /** The time at which the entry expires. */
  readonly expiresAt: number;
}

export class NameCache {
  /** The cached names, least recently used first. */
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Returns a name's cached addresses, empty if the name has none; undefined if it is not cached.
   */
  get(name: string, now: number): readonly string[] | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#entries.delete(name);
    if (now >= entry.expiresAt) return undefined;
    this.#entries.set(name, entry);
    return entry.addresses;
  }

  /** @param ttl milliseconds; 0 stores nothing (RFC 1035 3.2.1) */
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
