import { MemoryBudget } from '../../src/lib/memory-budget.js';
import { RING_INITIAL_CAPACITY, RingBuffer } from '../../src/lib/ring-buffer.js';
import { patternBytes, seededRandom } from '../support/pairs/netstack-pair.js';

const MEGABYTE = 1024 * 1024;

function ring(maximum = MEGABYTE, limit = 64 * MEGABYTE): RingBuffer {
  return new RingBuffer(maximum, new MemoryBudget(limit));
}

it('returns bytes in order through random writes and reads', () => {
  const random = seededRandom(11);
  const buffer = ring(100_000);
  const source = patternBytes(2_000_000);
  let written = 0;
  let read = 0;
  while (read < source.length) {
    written += buffer.write(source.subarray(written, written + Math.floor(random() * 50_000)));
    const bytes = buffer.read(Math.floor(random() * 50_000));
    if (bytes === undefined) continue;
    if (bytes.some((byte, index) => byte !== source[read + index])) throw new Error(`at ${read}`);
    read += bytes.length;
    expect(buffer.length).toBe(written - read);
  }
  expect(buffer.read(1)).toBeUndefined();
});

it('overwrites all of the memory that the caller allocates', () => {
  const buffer = ring(20_000);
  const source = patternBytes(35_000);
  buffer.write(source.subarray(0, 20_000));
  buffer.discard(15_000);
  // The end of the queue is now at the start of the storage.
  buffer.write(source.subarray(20_000));
  const memory: Uint8Array[] = [];
  const bytes = buffer.read(30_000, (count) => {
    memory.push(new Uint8Array(count).fill(0xee));
    return memory[0]!;
  });
  expect(bytes).toBe(memory[0]);
  expect(bytes).toEqual(source.subarray(15_000));
});

it('accepts no more than its maximum', () => {
  const buffer = ring(20_000);
  expect(buffer.write(new Uint8Array(30_000))).toBe(20_000);
  expect(buffer.capacity).toBe(20_000);
  expect(buffer.write(new Uint8Array(1))).toBe(0);
  expect(buffer.canGrow).toBe(false);
});

it('has no storage before the first byte and doubles from 16 KiB', () => {
  const buffer = ring();
  expect(buffer.capacity).toBe(0);
  buffer.write(new Uint8Array(1));
  expect(buffer.capacity).toBe(RING_INITIAL_CAPACITY);
  buffer.write(new Uint8Array(RING_INITIAL_CAPACITY));
  expect(buffer.capacity).toBe(2 * RING_INITIAL_CAPACITY);
});

it('stops growing at the end of the budget, but always has the first 16 KiB', () => {
  const budget = new MemoryBudget(RING_INITIAL_CAPACITY * 3);
  const first = new RingBuffer(MEGABYTE, budget);
  const second = new RingBuffer(MEGABYTE, budget);
  expect(first.write(new Uint8Array(MEGABYTE))).toBe(2 * RING_INITIAL_CAPACITY);
  expect(first.canGrow).toBe(false);
  expect(second.write(new Uint8Array(MEGABYTE))).toBe(RING_INITIAL_CAPACITY);
  const third = new RingBuffer(MEGABYTE, budget);
  expect(third.write(new Uint8Array(MEGABYTE))).toBe(RING_INITIAL_CAPACITY);
  for (const buffer of [first, second, third]) buffer.release();
  expect(budget.used).toBe(0);
});

it('stores bytes beyond the end and joins them when the gap is filled', () => {
  const buffer = ring();
  const source = patternBytes(60_000);
  buffer.write(source.subarray(0, 10));
  buffer.read(10);
  expect(buffer.writeAhead(40_000, source, 40_000, 20_000)).toBe(20_000);
  expect(buffer.length).toBe(0);
  expect(buffer.write(source.subarray(0, 40_000))).toBe(40_000);
  buffer.extend(20_000);
  expect(buffer.read(100_000)).toEqual(source);
});

it('stores no more beyond the end than the maximum allows', () => {
  const buffer = ring(1000);
  expect(buffer.writeAhead(900, new Uint8Array(200), 0, 200)).toBe(100);
  expect(buffer.writeAhead(1000, new Uint8Array(1), 0, 1)).toBe(0);
});

it('releases grown storage when it is empty, but not if it holds bytes beyond a gap', () => {
  const budget = new MemoryBudget(64 * MEGABYTE);
  const buffer = new RingBuffer(MEGABYTE, budget);
  buffer.write(new Uint8Array(200_000));
  buffer.writeAhead(100, Uint8Array.of(7), 0, 1);
  buffer.discard(200_000);
  expect(budget.used).toBe(256 * 1024);
  buffer.write(new Uint8Array(100));
  buffer.extend(1);
  expect(buffer.read(200)!.at(-1)).toBe(7);
  expect(budget.used).toBe(0);
});

it('copies a range that wraps around', () => {
  const buffer = ring(RING_INITIAL_CAPACITY);
  const source = patternBytes(RING_INITIAL_CAPACITY);
  buffer.write(source.subarray(0, 10_000));
  buffer.discard(9_000);
  buffer.write(source.subarray(0, 15_000));
  const target = new Uint8Array(12_002);
  buffer.copyTo(2_000, 12_000, target, 1);
  expect(target.subarray(1, 12_001)).toEqual(source.subarray(1_000, 13_000));
  expect([target[0], target[12_001]]).toEqual([0, 0]);
});

it('returns its memory to the budget when detached, and keeps its bytes', () => {
  const budget = new MemoryBudget(MEGABYTE);
  const buffer = new RingBuffer(MEGABYTE, budget);
  buffer.write(Uint8Array.of(1, 2, 3));
  buffer.detach();
  expect(budget.used).toBe(0);
  expect(buffer.read(10)).toEqual(Uint8Array.of(1, 2, 3));
  buffer.release();
  expect(budget.used).toBe(0);
});

it('throws on misuse', () => {
  const buffer = ring();
  buffer.write(new Uint8Array(5));
  expect(() => ring(0)).toThrow(RangeError);
  expect(() => buffer.extend(1)).toThrow(RangeError);
  expect(() => buffer.discard(6)).toThrow(RangeError);
  expect(() => buffer.copyTo(3, 3, new Uint8Array(9), 0)).toThrow(RangeError);
});
