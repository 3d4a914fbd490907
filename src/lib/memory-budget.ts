/** A number of bytes that several buffers share, so that their sum has a bound. */
export class MemoryBudget {
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes taken and not given back. */
  get used(): number {
    return this.#used;
  }

  /** Most of it is taken: who has what he needs should not want more. */
  get isTight(): boolean {
    return this.#used * 4 > this.limit * 3;
  }

  /** Takes `count` bytes, or none of them when the limit would be passed. */
  tryTake(count: number): boolean {
    if (this.#used + count > this.limit) return false;
    this.#used += count;
    return true;
  }

  /** Takes `count` bytes even above the limit: for a minimum that is bounded by other means. */
  take(count: number): void {
    this.#used += count;
  }

  /** Gives `count` bytes back. */
  give(count: number): void {
    this.#used -= count;
  }
}
