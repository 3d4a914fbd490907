/** Counts drops by reason. Reasons come from the code, never from a peer. */
export class DropCounter<Reason extends string = string> {
  readonly #counts = new Map<Reason, number>();

  count(reason: Reason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  /** Returns the count for `reason`. */
  of(reason: Reason): number {
    return this.#counts.get(reason) ?? 0;
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  /** Returns each reason that occurred, with its count. */
  entries(): IterableIterator<[Reason, number]> {
    return this.#counts.entries();
  }
}
