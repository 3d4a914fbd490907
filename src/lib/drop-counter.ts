/** Counts what was dropped, by reason. Reasons are named by the code, never by a peer. */
export class DropCounter<Reason extends string = string> {
  readonly #counts = new Map<Reason, number>();

  count(reason: Reason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  /** How often `reason` was counted. */
  of(reason: Reason): number {
    return this.#counts.get(reason) ?? 0;
  }

  /** All counts together. */
  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  /** Each reason that occurred, with its count. */
  entries(): IterableIterator<[Reason, number]> {
    return this.#counts.entries();
  }
}
