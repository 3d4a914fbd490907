/** A number of bytes that several buffers share, which limits their total size. */
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

  /** Takes `count` bytes; takes nothing and returns false if the limit would be exceeded. */
  tryTake(count: number): boolean {
    if (this.#used + count > this.limit) return false;
    this.#used += count;
    return true;
  }

  /**
   * Takes `count` bytes even if this exceeds the limit. Use this only for minimum sizes, which have
   * their own limit.
   */
  take(count: number): void {
    this.#used += count;
  }

  give(count: number): void {
    this.#used -= count;
  }
}
