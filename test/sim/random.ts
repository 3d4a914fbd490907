/** Stored here, because a lookup among jest's globals takes longer than the call. */
const { floor } = Math;

/** Random numbers that depend only on a seed (sfc32, by Chris Doty-Humphrey). */
export class Random {
  readonly #state: Uint32Array;

  /** @param seeds the seed of the run, and numbers that distinguish its streams */
  constructor(...seeds: number[]) {
    this.#state = Uint32Array.of(0x9e3779b9, 0x243f6a88, 0xb7e15162, 1);
    for (const seed of seeds) {
      this.#state[0] = this.#state[0]! ^ seed;
      this.#state[1] = this.#state[1]! ^ floor(seed / 0x1_0000_0000);
      for (let round = 0; round < 12; round++) this.uint32();
    }
  }

  uint32(): number {
    const state = this.#state;
    const sum = (state[0]! + state[1]! + state[3]!) >>> 0;
    state[3] = state[3]! + 1;
    state[0] = state[1]! ^ (state[1]! >>> 9);
    state[1] = state[2]! + (state[2]! << 3);
    state[2] = ((state[2]! << 21) | (state[2]! >>> 11)) + sum;
    return sum;
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    return floor((this.uint32() / 0x1_0000_0000) * limit);
  }

  /** An integer from `low` to `high`, inclusive. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.uint32() < probability * 0x1_0000_0000;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  /** The items in a random order (Fisher and Yates). */
  shuffled<Item>(items: readonly Item[]): Item[] {
    const result = [...items];
    for (let index = result.length - 1; index > 0; index--) {
      const other = this.below(index + 1);
      [result[index], result[other]] = [result[other]!, result[index]!];
    }
    return result;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index++) bytes[index] = this.uint32() >>> 24;
    return bytes;
  }
}
