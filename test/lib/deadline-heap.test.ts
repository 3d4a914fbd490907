import { DeadlineHeap, type Timed } from '../../src/lib/deadline-heap.js';
import { seededRandom } from '../support/pairs/netstack-pair.js';

function item(deadline: number): Timed {
  return { deadline, heapIndex: -1, heapKey: Infinity };
}

it('returns the earliest deadline through random changes, as a plain search does', () => {
  const random = seededRandom(3);
  const heap = new DeadlineHeap<Timed>();
  const items = Array.from({ length: 50 }, () => item(Infinity));
  for (let step = 0; step < 5000; step++) {
    const one = items[Math.floor(random() * items.length)]!;
    if (random() < 0.1) {
      heap.remove(one);
      one.deadline = Infinity;
    } else {
      one.deadline = random() < 0.1 ? Infinity : Math.floor(random() * 1000);
      heap.update(one);
    }
    expect(heap.next()).toBe(Math.min(...items.map(({ deadline }) => deadline)));
  }
});

it('pops only due items, in order', () => {
  const heap = new DeadlineHeap<Timed>();
  const items = [30, 10, 20].map(item);
  for (const one of items) heap.update(one);
  expect(heap.popDue(9)).toBeUndefined();
  expect(heap.popDue(20)).toBe(items[1]);
  expect(heap.popDue(20)).toBe(items[2]);
  expect(heap.popDue(20)).toBeUndefined();
  expect(heap.size).toBe(1);
});

it('releases an item that is never due', () => {
  const heap = new DeadlineHeap<Timed>();
  const one = item(5);
  heap.update(one);
  one.deadline = Infinity;
  expect(heap.next()).toBe(Infinity);
  expect(heap.size).toBe(0);
});
