import { sequenceAtOrBefore, sequenceBefore, sequenceMax } from '../../../lib/sequence-number.js';

/** The maximum number of separate ranges. Data that would need another range is dropped. */
export const MAXIMUM_RANGES = 256;

/** Ranges [start, end) beyond RCV.NXT in the receive ring: sorted, with gaps between them. */
export class Reassembly {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  get size(): number {
    return this.#starts.length;
  }

  /** The index of the range that contains the octet `sequence`; -1 if no range does. */
  find(sequence: number): number {
    for (let index = this.#starts.length - 1; index >= 0; index--) {
      if (sequenceBefore(sequence, this.#starts[index]!)) continue;
      return sequenceBefore(sequence, this.#ends[index]!) ? index : -1;
    }
    return -1;
  }

  startAt(index: number): number {
    return this.#starts[index]!;
  }

  endAt(index: number): number {
    return this.#ends[index]!;
  }

  /** Adds [start, end). Returns false if that would exceed the maximum number of ranges. */
  insert(start: number, end: number): boolean {
    const starts = this.#starts;
    const ends = this.#ends;
    // `first` becomes the index of the first range that ends at or after `start`. Search from the
    // end, because that is usually the last range.
    let first = ends.length;
    while (first > 0 && sequenceAtOrBefore(start, ends[first - 1]!)) first--;
    let last = first;
    while (last < starts.length && sequenceAtOrBefore(starts[last]!, end)) last++;
    if (first === last) {
      if (starts.length >= MAXIMUM_RANGES) return false;
      starts.splice(first, 0, start);
      ends.splice(first, 0, end);
      return true;
    }
    if (sequenceBefore(start, starts[first]!)) starts[first] = start;
    ends[first] = sequenceMax(ends[last - 1]!, end);
    if (last - first > 1) {
      starts.splice(first + 1, last - first - 1);
      ends.splice(first + 1, last - first - 1);
    }
    return true;
  }

  /**
   * Removes the ranges before `next` and the ranges that follow `next` without a gap.
   *
   * @returns the first missing sequence number at or after `next`
   */
  advance(next: number): number {
    let reached = next;
    let count = 0;
    while (count < this.#starts.length && sequenceAtOrBefore(this.#starts[count]!, reached)) {
      reached = sequenceMax(reached, this.#ends[count]!);
      count++;
    }
    if (count > 0) {
      this.#starts.splice(0, count);
      this.#ends.splice(0, count);
    }
    return reached;
  }

  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
  }
}
