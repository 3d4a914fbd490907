import { ReceiveQueue } from '../../src/lib/receive-queue.js';
import { abortListeners } from '../support/abort-listeners.js';
import { FakeClock } from '../support/fakes/fake-clock.js';

let clock: FakeClock;
let queue: ReceiveQueue<number>;
beforeEach(() => {
  clock = new FakeClock();
  queue = new ReceiveQueue(clock);
});

const drain = async () => {
  const items: (number | undefined)[] = [];
  for (;;) {
    const receiving = queue.receive(1);
    clock.advance(1);
    const item = await receiving;
    if (item === undefined) return items;
    items.push(item);
  }
};

it('keeps the first 64 items in order, and drops the others', async () => {
  for (let item = 0; item < 70; item++) queue.push(item);
  expect(await drain()).toEqual(Array.from({ length: 64 }, (_, item) => item));
  queue.push(70);
  expect(await drain()).toEqual([70]);
});

it('passes an item to the pending call, and stops its timer', async () => {
  const receiving = queue.receive(1_000);
  queue.push(1);
  expect(await receiving).toBe(1);
  expect(clock.armed).toBe(0);
  queue.push(2);
  expect(await queue.receive(1_000)).toBe(2);
});

it('allows one pending call', async () => {
  const receiving = queue.receive(1_000);
  expect(() => queue.receive(1_000)).toThrow(TypeError);
  queue.push(1);
  await receiving;
  expect(() => void queue.receive(1_000).catch(() => undefined)).not.toThrow();
});

it('returns undefined after the timeout, and takes the next item later', async () => {
  const receiving = queue.receive(1_000);
  clock.advance(999);
  queue.push(1);
  expect(await receiving).toBe(1);
  const late = queue.receive(1_000);
  clock.advance(1_000);
  expect(await late).toBeUndefined();
  queue.push(2);
  expect(await queue.receive(1_000)).toBe(2);
});

it('rejects with the reason of an abort, without losing items', async () => {
  const controller = new AbortController();
  const receiving = queue.receive(1_000, controller.signal);
  controller.abort(new Error('gone'));
  await expect(receiving).rejects.toThrow('gone');
  expect([clock.armed, abortListeners(controller)]).toEqual([0, 0]);
  queue.push(1);
  await expect(queue.receive(1_000, controller.signal)).rejects.toThrow('gone');
  expect(await queue.receive(1_000)).toBe(1);
});

it('fails once, after the items that arrived before', async () => {
  queue.push(1);
  queue.fail(new Error('refused'));
  expect(await queue.receive(1)).toBe(1);
  await expect(queue.receive(1)).rejects.toThrow('refused');
  expect(await drain()).toEqual([]);
  const receiving = queue.receive(1);
  queue.fail(new Error('again'));
  await expect(receiving).rejects.toThrow('again');
  expect(await drain()).toEqual([]);
});

it('reports a failure before the end, and then always the end', async () => {
  queue.push(1);
  queue.fail(new Error('refused'));
  queue.end(new Error('lost'));
  queue.end(new Error('later'));
  queue.push(2);
  queue.fail(new Error('late'));
  expect(queue.ended?.message).toBe('lost');
  expect(await queue.receive(1)).toBe(1);
  await expect(queue.receive(1)).rejects.toThrow('refused');
  await expect(queue.receive(1)).rejects.toThrow('lost');
  await expect(queue.receive(1)).rejects.toThrow('lost');
});

it('drops everything at close(), also after end()', async () => {
  queue.push(1);
  queue.fail(new Error('refused'));
  queue.end(new Error('lost'));
  queue.close(new Error('closed'));
  await expect(queue.receive(1)).rejects.toThrow('closed');
  expect(queue.ended?.message).toBe('closed');
});

it.each(['end', 'close'] as const)('rejects the pending call at %s()', async (method) => {
  const receiving = queue.receive(1);
  queue[method](new Error('over'));
  await expect(receiving).rejects.toThrow('over');
  expect(clock.armed).toBe(0);
});

it('passes waiting and further items and errors to a subscriber, until close()', () => {
  const seen: unknown[] = [];
  queue.push(1);
  queue.fail(new Error('refused'));
  queue.subscribe({ onItem: (item) => seen.push(item), onError: (e) => seen.push(e.message) });
  queue.push(2);
  queue.fail(new Error('again'));
  queue.end(new Error('lost'));
  queue.close(new Error('closed'));
  queue.push(3);
  expect(seen).toEqual([1, 'refused', 2, 'again', 'lost']);
});

it('passes the end to a later subscriber', () => {
  const seen: string[] = [];
  queue.end(new Error('lost'));
  queue.subscribe({
    onItem: () => seen.push('item'),
    onError: ({ message }) => seen.push(message),
  });
  expect(seen).toEqual(['lost']);
});
