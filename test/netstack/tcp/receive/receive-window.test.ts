import { MemoryBudget } from '../../../../src/lib/memory-budget.js';
import { ReceiveWindow } from '../../../../src/netstack/tcp/receive/receive-window.js';

const KIB = 1024;
const MAXIMUM = 1024 * KIB;

function create(maximum = MAXIMUM, budget = new MemoryBudget(100)): ReceiveWindow {
  return new ReceiveWindow(maximum, budget);
}

it('begins with 64 KiB, or with a smaller maximum', () => {
  expect(create().limit).toBe(64 * KIB);
  expect(create().maximum).toBe(MAXIMUM);
  expect(create(10 * KIB).limit).toBe(10 * KIB);
});

it('is four times the amount read in a round trip', () => {
  const window = create();
  window.read(20 * KIB, 100, 1000);
  window.read(20 * KIB, 100, 1099);
  expect(window.limit).toBe(64 * KIB);
  window.read(10 * KIB, 100, 1100);
  expect(window.limit).toBe(200 * KIB);
  // Earlier reads no longer count.
  window.read(45 * KIB, 100, 1200);
  expect(window.limit).toBe(200 * KIB);
  window.read(60 * KIB, 100, 1300);
  expect(window.limit).toBe(240 * KIB);
});

it('never exceeds the maximum, and never shrinks (REC-1, RFC 7323 2.4b)', () => {
  const window = create();
  window.read(1, 100, 0);
  window.read(2 * MAXIMUM, 100, 100);
  expect(window.limit).toBe(MAXIMUM);
  window.read(1, 100, 200);
  window.read(1, 100, 300);
  expect(window.limit).toBe(MAXIMUM);
});

it('is constant while the round trip is unknown, and counts from the first read on', () => {
  const window = create();
  window.read(100 * KIB, 0, 0);
  window.read(100 * KIB, 0, 5000);
  expect(window.limit).toBe(64 * KIB);
  const other = create();
  other.read(100 * KIB, 50, 1e6);
  expect(other.limit).toBe(64 * KIB);
});
