/** Counts drops by reason. The set of reasons is fixed, so a peer cannot add any. */
export class DropCounter<Reason extends string = string> {
  readonly #counts = new Map<Reason, number>();

  count(reason: Reason, amount = 1): void {
    if (amount > 0) this.#counts.set(reason, this.of(reason) + amount);
  }

  of(reason: Reason): number {
    return this.#counts.get(reason) ?? 0;
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  /** Returns each reason that occurred, with its count. */
  [Symbol.iterator](): IterableIterator<[Reason, number]> {
    return this.#counts.entries();
  }
}
