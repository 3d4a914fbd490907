/**
 * A byte queue of bounded size. Storage comes with the first byte, doubles on demand from a budget
 * shared with other rings, and goes back when the ring runs empty after it had grown.
 *
 * Bytes may be placed ahead of the end (`writeAhead`), as out-of-order TCP data is; `extend` makes
 * them part of the queue once the gap before them is filled.
 */
import { MemoryBudget } from './memory-budget.js';

/** The first storage of a ring, in bytes. It is never refused. */
export const RING_INITIAL_CAPACITY = 16 * 1024;

/** An empty ring keeps storage up to this size for the bytes to come. */
const IDLE_CAPACITY = 64 * 1024;

/** Of each ring that is empty: there are two for every connection. */
const NOTHING = new Uint8Array(0);

export class RingBuffer {
  /** The most bytes the ring ever holds. */
  readonly maximum: number;
  #budget: MemoryBudget;
  #storage: Uint8Array = NOTHING;
  #start = 0;
  #length = 0;
  /** The end of the farthest byte placed, counted from the start of the queue. */
  #reach = 0;

  constructor(maximum: number, budget: MemoryBudget) {
    if (!Number.isInteger(maximum) || maximum < 1) {
      throw new RangeError(`ring size is not a positive integer: ${maximum}`);
    }
    this.maximum = maximum;
    this.#budget = budget;
  }

  /** Bytes in the queue. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of storage held now. */
  get capacity(): number {
    return this.#storage.length;
  }

  /** Appends as much of `bytes` as fits and returns how many that were. */
  write(bytes: Uint8Array): number {
    const taken = this.writeAhead(0, bytes, 0, bytes.length);
    this.extend(taken);
    return taken;
  }

  /**
   * Places `bytes[from, from + count)` at `offset` behind the end of the queue, without making it
   * part of the queue.
   *
   * @returns how many bytes were placed; fewer than `count` where the maximum or the budget ends
   */
  writeAhead(offset: number, bytes: Uint8Array, from: number, count: number): number {
    const at = this.#length + offset;
    const end = Math.min(at + count, this.maximum);
    if (end > this.#storage.length) this.#grow(end);
    const placed = Math.min(end, this.#storage.length) - at;
    if (placed <= 0) return 0;
    const storage = this.#storage;
    let index = this.#start + at;
    if (index >= storage.length) index -= storage.length;
    const head = Math.min(placed, storage.length - index);
    storage.set(view(bytes, from, head), index);
    if (head < placed) storage.set(bytes.subarray(from + head, from + placed), 0);
    if (at + placed > this.#reach) this.#reach = at + placed;
    return placed;
  }

  /** Makes `count` bytes that were placed behind the end part of the queue. */
  extend(count: number): void {
    if (this.#length + count > this.#reach) throw new RangeError('extend past what was placed');
    this.#length += count;
  }

  /** Copies queue bytes `[offset, offset + count)` to `target` at `targetOffset`. */
  copyTo(offset: number, count: number, target: Uint8Array, targetOffset: number): void {
    if (offset + count > this.#length) throw new RangeError('copy past the end of the ring');
    const storage = this.#storage;
    let index = this.#start + offset;
    if (index >= storage.length) index -= storage.length;
    const head = Math.min(count, storage.length - index);
    target.set(view(storage, index, head), targetOffset);
    if (head < count) target.set(storage.subarray(0, count - head), targetOffset + head);
  }

  /** Takes up to `limit` bytes from the front, as a copy; undefined when there are none. */
  read(limit: number): Uint8Array | undefined {
    const count = Math.min(limit, this.#length);
    if (count <= 0) return undefined;
    const bytes = new Uint8Array(count);
    this.copyTo(0, count, bytes, 0);
    this.discard(count);
    return bytes;
  }

  /** Drops `count` bytes from the front. */
  discard(count: number): void {
    if (count > this.#length) throw new RangeError('discard past the end of the ring');
    this.#length -= count;
    this.#reach -= count;
    this.#start += count;
    if (this.#start >= this.#storage.length) this.#start -= this.#storage.length;
    if (this.#reach === 0) this.#rest();
  }

  /** Whether a ring filled to its storage could take more. */
  get canGrow(): boolean {
    const { length } = this.#storage;
    if (length >= this.maximum) return false;
    return length === 0 || this.#budget.used + this.#nextCapacity() - length <= this.#budget.limit;
  }

  /** Drops everything and gives all storage back. */
  release(): void {
    this.#budget.give(this.#storage.length);
    this.#storage = NOTHING;
    this.#start = 0;
    this.#length = 0;
    this.#reach = 0;
  }

  /** Leaves the shared budget: what is held is the reader's own from here on. */
  detach(): void {
    this.#budget.give(this.#storage.length);
    this.#budget = new MemoryBudget(0);
    this.#budget.take(this.#storage.length);
  }

  #rest(): void {
    this.#start = 0;
    if (this.#storage.length > IDLE_CAPACITY) this.release();
  }

  #nextCapacity(): number {
    return Math.min(this.maximum, Math.max(RING_INITIAL_CAPACITY, this.#storage.length * 2));
  }

  #grow(needed: number): void {
    let capacity = this.#storage.length;
    if (capacity === 0) {
      capacity = this.#nextCapacity();
      this.#budget.take(capacity);
    }
    while (capacity < needed) {
      const next = Math.min(this.maximum, capacity * 2);
      if (!this.#budget.tryTake(next - capacity)) break;
      capacity = next;
    }
    if (capacity === this.#storage.length) return;
    const storage = new Uint8Array(capacity);
    const old = this.#storage;
    storage.set(old.subarray(this.#start), 0);
    storage.set(old.subarray(0, this.#start), old.length - this.#start);
    this.#storage = storage;
    this.#start = 0;
  }
}

/** `bytes[from, from + count)`, without a new object where that is all of it. */
function view(bytes: Uint8Array, from: number, count: number): Uint8Array {
  return from === 0 && count === bytes.length ? bytes : bytes.subarray(from, from + count);
}
