/** A limit on the total size of several buffers, in bytes. */
export class MemoryBudget {
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /**
   * Whether more than three quarters of the budget are in use. Large buffers should then not grow.
   */
  get isTight(): boolean {
    return this.#used * 4 > this.limit * 3;
  }

  /** Reserves `count` bytes. If that would exceed the limit, reserves nothing and returns false. */
  tryTake(count: number): boolean {
    if (this.#used + count > this.limit) return false;
    this.#used += count;
    return true;
  }

  /**
   * Reserves `count` bytes even if this exceeds the limit. Use this only for minimum sizes, whose
   * number is limited elsewhere.
   */
  take(count: number): void {
    this.#used += count;
  }

  give(count: number): void {
    this.#used -= count;
  }
}
