import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { RingList } from '../../src/netstack/ring-list.js';
import { seededRandom } from '../support/pairs/netstack-pair.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function contents<Item>(list: RingList<Item>): (Item | undefined)[] {
  return Array.from({ length: list.length }, (_, index) => list.at(index));
}

it('holds the same elements as an array', () => {
  const random = seededRandom(1);
  const list = new RingList<number>();
  const array: number[] = [];
  let timesEmpty = 0;
  for (let item = 0; item < 8_000; item++) {
    const chance = random();
    // Grows for 800 steps, then shrinks for 1,200.
    const added = item % 2_000 < 800 ? 0.7 : 0.3;
    if (chance < added / 2) {
      list.push(item);
      array.push(item);
    } else if (chance < added) {
      const index = Math.floor(random() * (array.length + 1));
      list.insert(index, item);
      array.splice(index, 0, item);
    } else {
      expect(list.shift()).toBe(array.shift());
      if (array.length === 0) timesEmpty++;
    }
    if (item % 20 > 0) continue;
    expect(list.at(array.length - 1)).toBe(array.at(-1));
    expect(contents(list)).toEqual(array);
  }
  expect(timesEmpty).toBeGreaterThan(4);
});

it('releases an array for more than 256 elements when it is empty', () => {
  const list = new RingList<number>();
  for (const [count, capacity] of [
    [256, 256],
    [257, 0],
  ] as const) {
    for (let item = 0; item < count; item++) list.push(item);
    for (let item = 0; item < count; item++) list.shift();
    expect(list.capacity).toBe(capacity);
  }
});

it('returns undefined outside the list, also if the array is full', () => {
  const list = new RingList<number>();
  const outside = (): unknown[] => [list.at(-1), list.at(list.length)];
  expect([...outside(), list.shift()]).toEqual([undefined, undefined, undefined]);
  for (let item = 0; item < 64; item++) {
    list.push(item);
    expect(outside()).toEqual([undefined, undefined]);
  }
});

it('is empty after clear(), and can be used again', () => {
  const list = new RingList<number>();
  for (let item = 0; item < 40; item++) list.push(item);
  list.shift();
  list.clear();
  expect([list.length, list.at(0), list.shift()]).toEqual([0, undefined, undefined]);
  list.push(7);
  expect(contents(list)).toEqual([7]);
});

it('does not keep elements alive after clear()', async () => {
  const list = new RingList<object>();
  list.push({});
  const cleared = new WeakRef(list.at(0)!);
  list.clear();
  // A WeakRef keeps its target until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(cleared.deref()).toBeUndefined();
  expect(list.length).toBe(0);
});

it('does not keep a shifted element alive', async () => {
  const list = new RingList<object>();
  for (let count = 0; count < 3; count++) list.push({});
  const shifted = new WeakRef(list.shift()!);
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(shifted.deref()).toBeUndefined();
  expect(list.length).toBe(2);
});
