/** The cases of the kernel's selftest/counter.c and wireguard-go's replay_test.go, as facts. */
import { REJECT_AFTER_MESSAGES } from '../../src/wireguard/constants.js';
import { REPLAY_WINDOW_SIZE, ReplayWindow } from '../../src/wireguard/replay-window.js';

const LIMIT = REPLAY_WINDOW_SIZE + 1;
const REJECT = REJECT_AFTER_MESSAGES;

it('gives the 34 answers of the kernel', () => {
  const window = new ReplayWindow();
  const cases: [number, boolean][] = [
    [0, true],
    [1, true],
    [1, false],
    [9, true],
    [8, true],
    [7, true],
    [7, false],
    [LIMIT, true],
    [LIMIT - 1, true],
    [LIMIT - 1, false],
    [LIMIT - 2, true],
    [2, true],
    [2, false],
    [LIMIT + 16, true],
    [3, false],
    [LIMIT + 16, false],
    [LIMIT * 4, true],
    [LIMIT * 4 - (LIMIT - 1), true],
    [10, false],
    [LIMIT * 4 - LIMIT, false],
    [LIMIT * 4 - (LIMIT + 1), false],
    [LIMIT * 4 - (LIMIT - 2), true],
    [LIMIT * 4 + 1 - LIMIT, false],
    [0, false],
    [REJECT, false],
    [REJECT - 1, true],
    [REJECT, false],
    [REJECT - 1, false],
    [REJECT - 2, true],
    [REJECT + 1, false],
    [REJECT + 2, false],
    [REJECT - 2, false],
    [REJECT - 3, true],
    [0, false],
  ];
  for (const [step, [counter, accepted]] of cases.entries()) {
    expect([step, window.accept(counter)]).toEqual([step, accepted]);
  }
});

function answers(counters: Iterable<number>): boolean[] {
  const window = new ReplayWindow();
  return Array.from(counters, (counter) => window.accept(counter));
}

function* count(from: number, to: number): Generator<number> {
  const step = from <= to ? 1 : -1;
  for (let counter = from; counter !== to + step; counter += step) yield counter;
}

it('has 8128 usable counters', () => {
  expect(REPLAY_WINDOW_SIZE).toBe(8_128);
});

it('accepts a whole window forwards', () => {
  expect(answers(count(1, REPLAY_WINDOW_SIZE))).not.toContain(false);
});

it('accepts a whole window backwards, and 0 last', () => {
  expect(answers(count(REPLAY_WINDOW_SIZE, 0))).not.toContain(false);
});

it('refuses what is one further back than the window', () => {
  const results = answers([...count(REPLAY_WINDOW_SIZE + 1, 0)]);
  expect(results.indexOf(false)).toBe(REPLAY_WINDOW_SIZE + 1);
});

it('does not take the ring for empty where it goes round', () => {
  const results = answers([...count(0, 20_000), ...count(20_000, 12_000)]);
  expect(results.slice(0, 20_001)).not.toContain(false);
  expect(results.slice(20_001)).not.toContain(true);
});

it('works beyond 32 bits', () => {
  const base = 2 ** 40;
  expect(answers([base, base, base - 1, base - 1, base + 8_192, base - 2])).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
});
