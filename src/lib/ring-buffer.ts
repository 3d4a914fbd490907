/**
 * A byte queue with a maximum size. The storage is allocated with the first byte and doubles on
 * demand, within a budget shared with other rings. A ring that has grown releases its storage when
 * it becomes empty. Bytes may be placed beyond the end of the queue (`writeAhead`), like
 * out-of-order TCP data. `extend` adds these bytes to the queue after the gap before them is
 * filled.
 */
import { MemoryBudget } from './memory-budget.js';
import { PacketBytes, partOf } from './packets/packet-bytes.js';

/** The initial size of a ring's storage in bytes, which is always granted, also if it is rounded up. */
export const RING_INITIAL_CAPACITY = 16 * 1024;

/** The maximum size of the storage that an empty ring keeps, in bytes, before it is rounded up. */
const IDLE_CAPACITY = 64 * 1024;

/** The smallest unit whose views are kept. A view takes 190 bytes: a fifth of this unit. */
const SMALLEST_UNIT = 1024;

/** The storage and the views that all empty rings share, because every connection has two rings. */
const NOTHING = new PacketBytes(new ArrayBuffer(0), 0, 0);
const NO_VIEWS: never[] = [];

export class RingBuffer {
  readonly maximum: number;
  #budget: MemoryBudget;
  #storage = NOTHING;
  /** The size of the storage after it has grown. */
  #nextCapacity: number;
  /** The number of bytes that copyTo() mostly copies; 0 if no views are kept. */
  #unit = 0;
  /**
   * For each part of the storage of `#unit` bytes: the view of the latest copy that began there, or the
   * place of this copy if its view is not kept.
   */
  #views: (PacketBytes | number | undefined)[] = NO_VIEWS;
  /**
   * The number of copies that found a kept view, minus those that did not; from 0 to the number of
   * views. While this is positive, a view is kept at its first use. Otherwise, it is kept at the
   * second use of the same place, because a kept view takes 190 bytes, and a view that is not kept 96.
   */
  #credit = 0;
  #start = 0;
  #length = 0;
  /** The offset after the farthest byte placed, from the start of the queue. */
  #reach = 0;

  constructor(maximum: number, budget: MemoryBudget) {
    if (!Number.isInteger(maximum) || maximum < 1) {
      throw new RangeError(`the ring size must be a positive integer, not ${maximum}`);
    }
    this.maximum = maximum;
    this.#budget = budget;
    this.#nextCapacity = this.#larger(0);
  }

  get length(): number {
    return this.#length;
  }

  /** The current size of the storage in bytes. */
  get capacity(): number {
    return this.#storage.length;
  }

  /**
   * Announces that copyTo() will mostly copy units of this size, one after the other. The ring then
   * rounds the size of later storage up to whole units. The units are therefore at the same places
   * in each round through the storage, and the ring keeps their views. With a unit
   * below 1 KiB or above 16 KiB, it does neither.
   *
   * @param unit in bytes
   */
  expectCopiesOf(unit: number): void {
    const isUseful = unit >= SMALLEST_UNIT && unit <= RING_INITIAL_CAPACITY;
    this.#unit = isUseful ? unit : 0;
    this.#storageChanged();
  }

  /** Appends as many of `bytes` as fit, and returns their number. */
  write(bytes: Uint8Array): number {
    const taken = this.writeAhead(0, bytes, 0, bytes.length);
    this.extend(taken);
    return taken;
  }

  /**
   * Places `bytes[from, from + count)` at `offset` after the end of the queue, without adding them
   * to the queue.
   *
   * @returns the number of bytes placed; below `count` if the maximum or the budget is reached
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
    if (head < placed) storage.set(partOf(bytes, from + head, from + placed), 0);
    if (at + placed > this.#reach) this.#reach = at + placed;
    return placed;
  }

  /** Extends the queue by `count` bytes that `writeAhead` has placed after its end. */
  extend(count: number): void {
    if (this.#length + count > this.#reach)
      throw new RangeError('cannot extend the ring past the last byte that was written');
    this.#length += count;
  }

  /** Copies queue bytes `[offset, offset + count)` to `target` at `targetOffset`. */
  copyTo(offset: number, count: number, target: Uint8Array, targetOffset: number): void {
    if (offset + count > this.#length)
      throw new RangeError('cannot copy bytes beyond the end of the ring');
    const { length } = this.#storage;
    let index = this.#start + offset;
    if (index >= length) index -= length;
    const head = Math.min(count, length - index);
    target.set(this.#stored(index, head), targetOffset);
    if (head < count) target.set(this.#stored(0, count - head), targetOffset + head);
  }

  /**
   * Removes up to `limit` bytes from the front and returns a copy; undefined if empty.
   *
   * @param allocate returns the memory for the copy, whose content does not matter
   */
  read(limit: number, allocate = newBytes): Uint8Array | undefined {
    const count = Math.min(limit, this.#length);
    if (count <= 0) return undefined;
    const bytes = allocate(count);
    this.copyTo(0, count, bytes, 0);
    this.discard(count);
    return bytes;
  }

  discard(count: number): void {
    if (count > this.#length)
      throw new RangeError('cannot discard bytes beyond the end of the ring');
    this.#length -= count;
    this.#reach -= count;
    this.#start += count;
    if (this.#start >= this.#storage.length) this.#start -= this.#storage.length;
    if (this.#reach === 0) this.#rest();
  }

  /** Whether the storage could grow if it became full. */
  get canGrow(): boolean {
    const { length } = this.#storage;
    if (length >= this.maximum) return false;
    return length === 0 || this.#budget.used + this.#nextCapacity - length <= this.#budget.limit;
  }

  /** Drops all bytes and releases all storage. */
  release(): void {
    this.#budget.give(this.#storage.length);
    this.#storage = NOTHING;
    this.#start = 0;
    this.#storageChanged();
    this.#length = 0;
    this.#reach = 0;
  }

  /** Removes the ring's storage from the shared budget. */
  detach(): void {
    this.#budget.give(this.#storage.length);
    this.#budget = new MemoryBudget(0);
    this.#budget.take(this.#storage.length);
  }

  #rest(): void {
    this.#start = 0;
    if (this.#storage.length > IDLE_CAPACITY + this.#unit) this.release();
  }

  /** Returns the size after `capacity`: the next power of two, or the maximum, in whole units. */
  #larger(capacity: number): number {
    let size = RING_INITIAL_CAPACITY;
    while (size <= capacity) size *= 2;
    const next = Math.min(this.maximum, size);
    return this.#unit === 0 ? next : Math.ceil(next / this.#unit) * this.#unit;
  }

  #grow(needed: number): void {
    let capacity = this.#storage.length;
    if (capacity === 0) {
      capacity = this.#nextCapacity;
      this.#budget.take(capacity);
    }
    while (capacity < needed) {
      const next = this.#larger(capacity);
      if (!this.#budget.tryTake(next - capacity)) break;
      capacity = next;
    }
    if (capacity === this.#storage.length) return;
    const storage = new PacketBytes(new ArrayBuffer(capacity), 0, capacity);
    const old = this.#storage;
    storage.set(old.subarray(this.#start), 0);
    storage.set(old.subarray(0, this.#start), old.length - this.#start);
    this.#storage = storage;
    this.#start = 0;
    this.#storageChanged();
  }

  /** Forgets all views. */
  #storageChanged(): void {
    const { length } = this.#storage;
    const count = this.#unit === 0 ? 0 : Math.ceil(length / this.#unit);
    // All places exist from the start, because V8 stores a list with large gaps as a table.
    this.#views = count === 0 ? NO_VIEWS : new Array<undefined>(count);
    this.#credit = Math.min(this.#credit, count);
    this.#nextCapacity = this.#larger(length);
  }

  /** Returns a view of the storage. */
  #stored(place: number, length: number): Uint8Array {
    const { memory } = this.#storage;
    if (length !== this.#unit || length === 0) return new Uint8Array(memory, place, length);
    const index = Math.floor(place / length);
    const latest = this.#views[index];
    if (typeof latest === 'object' && latest.place === place) {
      if (this.#credit < this.#views.length) this.#credit++;
      return latest;
    }
    const isKept = this.#credit > 0 || latest === place;
    if (this.#credit > 0) this.#credit--;
    const view = isKept ? new PacketBytes(memory, place, length) : undefined;
    this.#views[index] = view ?? place;
    return view ?? new Uint8Array(memory, place, length);
  }
}

/** Returns `bytes[from, from + count)`, or `bytes` itself if the range covers the whole array. */
function view(bytes: Uint8Array, from: number, count: number): Uint8Array {
  return from === 0 && count === bytes.length ? bytes : partOf(bytes, from, from + count);
}

function newBytes(count: number): Uint8Array {
  return new Uint8Array(count);
}
