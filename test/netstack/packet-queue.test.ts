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
