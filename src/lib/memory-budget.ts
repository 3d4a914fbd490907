/** A number of bytes that several buffers share, so that their total size is limited. */
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
   * Whether more than three quarters of the budget are in use. If so, buffers that are large enough
   * should not grow.
   */
  get isTight(): boolean {
    return this.#used * 4 > this.limit * 3;
  }

  /** Takes `count` bytes, or none if the limit would be exceeded. */
  tryTake(count: number): boolean {
    if (this.#used + count > this.limit) return false;
    this.#used += count;
    return true;
  }

  /**
   * Takes `count` bytes even above the limit. Use it only for minimum sizes, which have their own
   * limit.
   */
  take(count: number): void {
    this.#used += count;
  }

  /** Returns `count` bytes to the budget. */
  give(count: number): void {
    this.#used -= count;
  }
}
