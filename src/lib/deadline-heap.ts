/**
 * Which of many items is due next: a binary heap over their deadlines.
 *
 * Deadlines that move later are common (each ACK moves the retransmission timer) and cost nothing:
 * the heap keeps the earlier key and corrects it when the item reaches the top.
 */
export interface Timed {
  /** When the item is due; Infinity when never. Call `update` after making it earlier. */
  deadline: number;
  /** Owned by the heap: the item's place, or -1. */
  heapIndex: number;
  /** Owned by the heap: the key under which the item stands. Never after `deadline`. */
  heapKey: number;
}

export class DeadlineHeap<Item extends Timed> {
  readonly #items: Item[] = [];

  /** Items that stand in the heap. */
  get size(): number {
    return this.#items.length;
  }

  /** Takes notice of `item.deadline`. */
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

  /** Takes `item` out. */
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

  /** The earliest deadline; Infinity when there is none. */
  next(): number {
    for (;;) {
      const top = this.#items[0];
      if (top === undefined) return Infinity;
      if (top.heapKey === top.deadline) return top.deadline;
      this.#correct(top);
    }
  }

  /** Takes out and returns an item that is due at `now`; undefined when none is. */
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
