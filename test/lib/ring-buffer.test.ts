import { MemoryBudget } from '../../src/lib/memory-budget.js';
import { PacketBytes } from '../../src/lib/packets/packet-bytes.js';
import { RING_INITIAL_CAPACITY, RingBuffer } from '../../src/lib/ring-buffer.js';
import { patternBytes, seededRandom } from '../support/pairs/netstack-pair.js';

const MEGABYTE = 1024 * 1024;

function ring(maximum = MEGABYTE, limit = 64 * MEGABYTE): RingBuffer {
  return new RingBuffer(maximum, new MemoryBudget(limit));
}

/** Copies bytes, and returns the views that the ring passed to set(). */
function copied(buffer: RingBuffer, offset: number, count: number): Uint8Array[] {
  const views: Uint8Array[] = [];
  const target = new Uint8Array(count);
  target.set = (bytes: Uint8Array) => void views.push(bytes);
  buffer.copyTo(offset, count, target, 0);
  return views;
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
  expect(third.canGrow).toBe(true);
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

it.each([0, 1_368])('copies no bytes, unit %d', (unit) => {
  const buffer = ring();
  buffer.expectCopiesOf(unit);
  for (const count of [0, 10, 0]) {
    buffer.write(new Uint8Array(count));
    expect(copied(buffer, 0, 0)[0]).toHaveLength(0);
    expect(copied(buffer, 0, 0)[0]).not.toBeInstanceOf(PacketBytes);
  }
});

it('throws on misuse', () => {
  const buffer = ring();
  buffer.write(new Uint8Array(5));
  expect(() => ring(0)).toThrow(RangeError);
  expect(() => buffer.extend(1)).toThrow(RangeError);
  expect(() => buffer.discard(6)).toThrow(RangeError);
  expect(() => buffer.copyTo(3, 3, new Uint8Array(9), 0)).toThrow(RangeError);
});

describe('with a unit', () => {
  const UNIT = 1_368;
  const UNITS = 12;

  function withUnit(buffer = ring(UNITS * UNIT)): RingBuffer {
    buffer.expectCopiesOf(UNIT);
    return buffer;
  }

  /** Writes and copies units until each place of the storage was used once. */
  function round(buffer: RingBuffer): Uint8Array[] {
    return Array.from({ length: UNITS }, () => {
      buffer.write(new Uint8Array(UNIT));
      const views = copied(buffer, buffer.length - UNIT, UNIT);
      buffer.discard(UNIT);
      return views;
    }).flat();
  }

  /** The number of views in `views` that are also in `others`. */
  function common(views: Uint8Array[], others: Uint8Array[]): number {
    return views.filter((view) => others.includes(view)).length;
  }

  it.each([1, 200])(
    'copies with the same views from the second round on, after %d bytes',
    (before) => {
      const buffer = withUnit();
      // The queue never becomes empty, and so does not return to the start of the storage.
      buffer.write(new Uint8Array(before));
      const rounds = [round(buffer), round(buffer), round(buffer), round(buffer)] as const;
      // The end of the storage cuts the last unit.
      expect(rounds[2].map((view) => view.length)).toEqual([
        ...Array<number>(UNITS - 1).fill(UNIT),
        UNIT - before,
        before,
      ]);
      expect(common(rounds[1], rounds[0])).toBe(0);
      expect(common(rounds[2], rounds[1])).toBe(UNITS - 1);
      expect(common(rounds[3], rounds[1])).toBe(UNITS - 1);
    },
  );

  it('replaces its views at once after the units have moved, if it used the views before', () => {
    const buffer = withUnit();
    buffer.write(new Uint8Array(1));
    for (let count = 0; count < 3; count++) round(buffer);
    const before = round(buffer);
    buffer.write(new Uint8Array(100));
    const after = [round(buffer), round(buffer)] as const;
    expect(common(after.flat(), before)).toBe(0);
    expect(common(after[1], after[0])).toBe(UNITS - 1);
  });

  it('soon keeps no views if the units move in each round', () => {
    const buffer = withUnit();
    buffer.write(new Uint8Array(1));
    for (let count = 0; count < 10; count++) round(buffer);
    const kept = Array.from({ length: 3 }, () => {
      buffer.write(new Uint8Array(10));
      return round(buffer).filter((view) => view instanceof PacketBytes).length;
    });
    expect(kept).toEqual([UNITS - 1, 1, 0]);
  });

  it.each([1_024, 1_400, 100])('copies the right bytes after the unit has become %d', (next) => {
    const random = seededRandom(next);
    const buffer = withUnit(ring(50_000));
    const source = patternBytes(1_000_000);
    let unit = UNIT;
    let written = 0;
    let read = 0;
    while (read < source.length) {
      written += buffer.write(source.subarray(written, written + Math.floor(random() * 30_000)));
      // Mostly whole units, sometimes less, as at the end of a message.
      const most = random() < 0.05 ? Math.floor(random() * unit) : unit;
      while (buffer.length >= unit || (buffer.length > 0 && written === source.length)) {
        const bytes = buffer.read(most)!;
        if (Buffer.compare(bytes, source.subarray(read, read + bytes.length)) !== 0) {
          throw new Error(`wrong bytes at ${read}`);
        }
        read += bytes.length;
        if (bytes.length < unit) break;
      }
      if (read > 500_000 && unit !== next) {
        unit = next;
        buffer.expectCopiesOf(next);
      }
    }
    expect(written).toBe(source.length);
  });

  it('also stops keeping views if the storage was larger before', () => {
    const buffer = withUnit(ring());
    buffer.write(new Uint8Array(100 * UNIT));
    for (let copies = 0; copies < 500; copies++) copied(buffer, (copies % 100) * UNIT, UNIT);
    buffer.discard(buffer.length);
    expect(buffer.capacity).toBe(0);
    const kept = Array.from({ length: 3 }, () => {
      buffer.write(new Uint8Array(10));
      return round(buffer).filter((view) => view instanceof PacketBytes).length;
    });
    expect(kept).toEqual([0, 0, 0]);
  });

  it('allocates whole units, and accepts no more than its maximum', () => {
    const budget = new MemoryBudget(MEGABYTE);
    const buffer = withUnit(new RingBuffer(20_000, budget));
    buffer.write(new Uint8Array(1));
    expect(buffer.capacity).toBe(UNITS * UNIT);
    expect(buffer.canGrow).toBe(true);
    expect(buffer.write(new Uint8Array(30_000))).toBe(19_999);
    expect(buffer.capacity).toBe(15 * UNIT);
    expect(budget.used).toBe(15 * UNIT);
    expect(buffer.canGrow).toBe(false);
  });

  it('knows exactly whether the budget allows it to grow', () => {
    const needed = 24 * UNIT;
    for (const limit of [needed - 1, needed]) {
      const buffer = withUnit(new RingBuffer(MEGABYTE, new MemoryBudget(limit)));
      buffer.write(new Uint8Array(1));
      const { canGrow } = buffer;
      expect(canGrow).toBe(limit === needed);
      buffer.write(new Uint8Array(UNITS * UNIT));
      expect(buffer.capacity).toBe(canGrow ? needed : UNITS * UNIT);
    }
  });
});

it.each([
  [1_023, false],
  [1_024, true],
  [16_384, true],
  [16_385, false],
])('keeps views of units from 1 to 16 KiB: %d', (unit, kept) => {
  const buffer = ring();
  buffer.expectCopiesOf(unit);
  buffer.write(new Uint8Array(unit));
  const views = [0, 0, 0].map((offset) => copied(buffer, offset, unit)[0]);
  expect(views[1] === views[0]).toBe(false);
  expect(views[2] === views[1]).toBe(kept);
});

it.each([
  [0, 64 * 1024],
  [1_348, 49 * 1_348],
  [1_368, 48 * 1_368],
  [1_448, 46 * 1_448],
])('keeps 64 KiB while it is empty, in units of %d', (unit, kept) => {
  const buffer = ring();
  buffer.expectCopiesOf(unit);
  for (const [count, capacity] of [
    [kept, kept],
    [kept + 1, 0],
  ] as const) {
    buffer.write(new Uint8Array(count));
    buffer.discard(count);
    expect(buffer.capacity).toBe(capacity);
  }
});
