import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { PacketQueue } from '../../src/netstack/packet-queue.js';

const slots = (...bytes: number[]) => bytes.map((byte) => Uint8Array.of(byte));

it('accepts all packets or none, and returns them in order', () => {
  const queue = new PacketQueue(3);
  expect(queue.offerAll(slots(1, 2))).toBe(true);
  expect(queue.offerAll(slots(3, 4))).toBe(false);
  expect(queue.length).toBe(2);
  expect(queue.offerAll(slots(5))).toBe(true);
  expect(queue.offer(Uint8Array.of(6))).toBe(false);
  queue.push(Uint8Array.of(7));
  expect([1, 2, 3, 4, 5].map(() => queue.shift()?.[0])).toEqual([1, 2, 5, 7, undefined]);
});

it('keeps no packet alive that it has returned, also if it is never empty', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const queue = new PacketQueue(3);
  queue.push(Uint8Array.of(0));
  const returned: WeakRef<Uint8Array>[] = [];
  for (let count = 1; count <= 100; count++) {
    queue.push(Uint8Array.of(count));
    returned.push(new WeakRef(queue.shift()!));
  }
  // A WeakRef keeps its target until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(returned.filter((each) => each.deref() !== undefined)).toEqual([]);
  expect(queue.shift()?.[0]).toBe(100);
});
