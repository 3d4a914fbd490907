/** The names to which an association sends, and their addresses inside the tunnel. */

/** The maximum number of names; a new name replaces the oldest one. */
const MAX_NAMES = 256;

/**
 * After this many milliseconds, a name is looked up again. The resolver keeps the answer for its
 * TTL. Until the new answer arrives, the old address is used.
 */
const FRESH = 5_000;

/** The maximum number of lookups in progress, and of datagrams that wait for them. */
const MAX_LOOKUPS = 8;
const MAX_WAITING = 64;

interface Name {
  address: Uint8Array | undefined;
  checkedAt: number;
  isPending: boolean;
  waiting: ((address: Uint8Array | undefined) => void)[];
}

export type Resolve = (name: string) => Promise<Uint8Array>;

export class KnownNames {
  readonly #resolve: Resolve;
  readonly #names = new Map<string, Name>();
  #lookups = 0;
  #waiting = 0;

  /** @param resolve must settle within a limited time */
  constructor(resolve: Resolve) {
    this.#resolve = resolve;
  }

  /**
   * Returns a name's address; undefined if it has none; `unknown` if the answer is still to come.
   */
  addressOf(text: string, now: number): Uint8Array | undefined | 'unknown' {
    const name = text.toLowerCase();
    const known = this.#names.get(name);
    if (known !== undefined && (known.isPending || now - known.checkedAt < FRESH)) {
      return known.address ?? (known.isPending ? 'unknown' : undefined);
    }
    this.#lookUp(name, known ?? this.#add(name), now);
    return known?.address ?? 'unknown';
  }

  /**
   * Calls `then` when the lookup of a name ends, with its address or undefined.
   *
   * @returns false if too many callers are waiting, or no lookup is in progress
   */
  wait(text: string, then: (address: Uint8Array | undefined) => void): boolean {
    const known = this.#names.get(text.toLowerCase());
    if (known?.isPending !== true || this.#waiting >= MAX_WAITING) return false;
    this.#waiting++;
    known.waiting.push(then);
    return true;
  }

  #add(name: string): Name {
    if (this.#names.size >= MAX_NAMES) this.#dropOldest();
    const known = { address: undefined, checkedAt: -Infinity, isPending: false, waiting: [] };
    this.#names.set(name, known);
    return known;
  }

  #dropOldest(): void {
    for (const [name, { isPending }] of this.#names) {
      if (isPending) continue;
      this.#names.delete(name);
      return;
    }
  }

  #lookUp(name: string, known: Name, now: number): void {
    if (this.#lookups >= MAX_LOOKUPS) return;
    this.#lookups++;
    known.isPending = true;
    known.checkedAt = now;
    const settle = (address: Uint8Array | undefined) => {
      this.#lookups--;
      known.isPending = false;
      known.address = address;
      const { waiting } = known;
      known.waiting = [];
      this.#waiting -= waiting.length;
      for (const then of waiting) then(address);
    };
    this.#resolve(name).then(settle, () => settle(undefined));
  }
}
