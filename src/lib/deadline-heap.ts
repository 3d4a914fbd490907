/**
 * A binary heap that finds the item with the earliest deadline.
 *
 * Deadlines often move later (each ACK moves the retransmission timer). Such a move does not change
 * the heap: the item keeps its earlier key, which is corrected when the item reaches the top.
 */
export interface Timed {
  /** The time at which the item is due; Infinity for never. Call `update` after each change. */
  deadline: number;
  /** Owned by the heap: the item's index in the heap, or -1. */
  heapIndex: number;
  /** Owned by the heap: the sort key of the item. Never later than `deadline`. */
  heapKey: number;
}

export class DeadlineHeap<Item extends Timed> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** Updates the heap after `item.deadline` was set. */
  update(item: Item): void {
    if (item.heapIndex < 0) {
      if (item.deadline === Infinity) return;
      item.heapIndex = this.#items.length;
      item.heapKey = item.deadline;
      this.#items.push(item);
      this.#up(item);
    } else if (item.deadline < item.heapKey) {
      item.heapKey = item.deadline;
      this.#up(item);
    }
  }

  remove(item: Item): void {
    if (item.heapIndex < 0) return;
    const last = this.#items.pop()!;
    if (last !== item) {
      last.heapIndex = item.heapIndex;
      this.#items[last.heapIndex] = last;
      this.#up(last);
      this.#down(last);
    }
    item.heapIndex = -1;
  }

  /** Returns the earliest deadline; Infinity if the heap is empty. */
  next(): number {
    for (;;) {
      const top = this.#items[0];
      if (top === undefined) return Infinity;
      if (top.heapKey === top.deadline) return top.deadline;
      this.#correct(top);
    }
  }

  /** Removes and returns an item that is due at `now`, or returns undefined if no item is due. */
  popDue(now: number): Item | undefined {
    if (this.next() > now) return undefined;
    const top = this.#items[0]!;
    this.remove(top);
    return top;
  }

  #correct(item: Item): void {
    if (item.deadline === Infinity) {
      this.remove(item);
      return;
    }
    item.heapKey = item.deadline;
    this.#down(item);
  }

  #up(item: Item): void {
    const items = this.#items;
    let index = item.heapIndex;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = items[parentIndex]!;
      if (parent.heapKey <= item.heapKey) break;
      items[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    items[index] = item;
    item.heapIndex = index;
  }

  #down(item: Item): void {
    const items = this.#items;
    let index = item.heapIndex;
    for (;;) {
      let childIndex = index * 2 + 1;
      if (childIndex >= items.length) break;
      const right = items[childIndex + 1];
      if (right !== undefined && right.heapKey < items[childIndex]!.heapKey) childIndex++;
      const child = items[childIndex]!;
      if (child.heapKey >= item.heapKey) break;
      items[index] = child;
      child.heapIndex = index;
      index = childIndex;
    }
    items[index] = item;
    item.heapIndex = index;
  }
}
