import { StagedQueue } from '../../../src/wireguard/data/staged-queue.js';

function slot(id: number): Uint8Array {
  return Uint8Array.of(id);
}

it('returns packets in order, also after it wraps around', () => {
  const queue = new StagedQueue({ packets: 0 });
  for (let round = 0; round < 5; round++) {
    for (let id = 0; id < 50; id++) expect(queue.push(slot(id))).toBe(true);
    for (let id = 0; id < 50; id++) expect(queue.shift()).toEqual(slot(id));
  }
  expect(queue.shift()).toBeUndefined();
  expect(queue.length).toBe(0);
  expect(queue.push(slot(7))).toBe(true);
  expect(queue.shift()).toEqual(slot(7));
});

it('drops the oldest beyond 128', () => {
  const queue = new StagedQueue({ packets: 0 });
  for (let id = 0; id < 128; id++) expect(queue.push(slot(id))).toBe(true);
  expect(queue.push(slot(200))).toBe(false);
  expect(queue.length).toBe(128);
  expect(queue.shift()).toEqual(slot(1));
});

it('returns how many packets it discards', () => {
  const queue = new StagedQueue({ packets: 0 });
  queue.push(slot(1));
  queue.push(slot(2));
  expect(queue.clear()).toBe(2);
  expect(queue.length).toBe(0);
  expect(queue.shift()).toBeUndefined();
});

it('counts its packets together with those of other queues', () => {
  const total = { packets: 0 };
  const [one, other] = [new StagedQueue(total), new StagedQueue(total)];
  for (let id = 0; id < 130; id++) one.push(slot(id));
  other.push(slot(1));
  expect(total.packets).toBe(129);
  one.shift();
  expect(total.packets).toBe(128);
  one.clear();
  expect(total.packets).toBe(1);
  other.shift();
  other.shift();
  expect(total.packets).toBe(0);
});
