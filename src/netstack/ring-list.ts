/** A list to which elements are added at the end, and from which they are removed at the front. */

/** The initial size of the array; a power of two, like all its sizes. */
const INITIAL_CAPACITY = 16;

/** The maximum size of the array that an empty list keeps. */
const IDLE_CAPACITY = 256;

/**
 * The elements are in a ring. An array would be slower: `shift()` moves long arrays, and `splice()`
 * creates an array of the removed elements.
 */
export class RingList<Item> {
  #items: (Item | undefined)[] = [];
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The number of elements for which the array has space. */
  get capacity(): number {
    return this.#items.length;
  }

  /** Returns the element at `index`, counted from the front; undefined if there is none. */
  at(index: number): Item | undefined {
    if (index < 0 || index >= this.#length) return undefined;
    return this.#items[this.#place(index)];
  }

  push(item: Item): void {
    if (this.#length === this.#items.length) this.#grow();
    this.#items[this.#place(this.#length++)] = item;
  }

  /** Removes and returns the first element; undefined if there is none. */
  shift(): Item | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#first = this.#place(1);
    this.#length--;
    if (this.#length === 0 && this.#items.length > IDLE_CAPACITY) this.clear();
    return item;
  }

  /**
   * Inserts an element before the one at `index`, or at the end if `index` is the length. Fast near
   * both ends.
   */
  insert(index: number, item: Item): void {
    if (this.#length === this.#items.length) this.#grow();
    this.#length++;
    if (index * 2 < this.#length) {
      this.#first = this.#place(-1);
      for (let at = 0; at < index; at++) this.#set(at, this.at(at + 1));
    } else {
      for (let at = this.#length - 1; at > index; at--) this.#set(at, this.at(at - 1));
    }
    this.#set(index, item);
  }

  /** Removes all elements and releases the array. */
  clear(): void {
    this.#items = [];
    this.#first = 0;
    this.#length = 0;
  }

  #set(index: number, item: Item | undefined): void {
    this.#items[this.#place(index)] = item;
  }

  #place(index: number): number {
    return (this.#first + index) & (this.#items.length - 1);
  }

  #grow(): void {
    const before = this.#items;
    const items = before.slice(this.#first).concat(before.slice(0, this.#first));
    items.length = Math.max(INITIAL_CAPACITY, 2 * before.length);
    this.#items = items.fill(undefined, this.#length);
    this.#first = 0;
  }
}
