/** The cases of the kernel's selftest/counter.c and of wireguard-go's replay_test.go. */
import { REJECT_AFTER_MESSAGES } from '../../../src/wireguard/constants.js';
import { REPLAY_WINDOW_SIZE, ReplayWindow } from '../../../src/wireguard/data/replay-window.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';

const SIZE = REPLAY_WINDOW_SIZE;
const LIMIT = SIZE + 1;
const REJECT = REJECT_AFTER_MESSAGES;

it('has 8128 usable counters', () => {
  expect(SIZE).toBe(8_128);
});

it('returns the 34 results of the kernel’s self-test', () => {
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
  expect(cases).toHaveLength(34);
  for (const [step, [counter, accepted]] of cases.entries()) {
    expect([step, window.accept(counter)]).toEqual([step, accepted]);
  }
});

/** All counters from one to another, up or down, and whether each is accepted. */
type Run = readonly [from: number, to: number, accepted: boolean];

const LOOPS: readonly (readonly [name: string, runs: readonly Run[]])[] = [
  [
    'a whole window forwards from 1, then 0',
    [
      [1, SIZE, true],
      [0, 0, true],
      [0, 0, false],
    ],
  ],
  [
    'a whole window forwards from 2, then 1',
    [
      [2, SIZE + 1, true],
      [1, 1, true],
      [0, 0, false],
    ],
  ],
  ['a whole window backwards, down to 0', [[SIZE, 0, true]]],
  ['a whole window backwards, down to 1', [[SIZE + 1, 1, true]]],
  [
    'a whole window backwards, then counters older than the window',
    [
      [SIZE + 1, 1, true],
      [0, 0, false],
    ],
  ],
  [
    'a whole window backwards, down to 2',
    [
      [SIZE + 2, 2, true],
      [0, 0, false],
    ],
  ],
  [
    'backwards, then one ahead',
    [
      [SIZE, 1, true],
      [SIZE + 1, SIZE + 1, true],
      [0, 0, false],
    ],
  ],
  [
    'backwards, then 0, then one ahead',
    [
      [SIZE, 1, true],
      [0, 0, true],
      [SIZE + 1, SIZE + 1, true],
    ],
  ],
  [
    'twice around the ring, then all counters again',
    [
      [0, 20_000, true],
      [20_000, 12_000, false],
    ],
  ],
  [
    'the edges of a window beyond 32 bits',
    [
      [2 ** 40, 2 ** 40, true],
      [2 ** 40, 2 ** 40, false],
      [2 ** 40 - 1, 2 ** 40 - SIZE, true],
      [2 ** 40 - SIZE - 1, 2 ** 40 - SIZE - 1, false],
    ],
  ],
];

it.each(LOOPS)('accepts %s', (_name, runs) => {
  const window = new ReplayWindow();
  for (const [from, to, accepted] of runs) {
    const step = from <= to ? 1 : -1;
    for (let counter = from; counter !== to + step; counter += step) {
      if (window.accept(counter) !== accepted) throw new Error(`not ${accepted} at ${counter}`);
    }
  }
});

/** The expected behavior of the window, with unbounded memory. */
class NaiveWindow {
  readonly #seen = new Set<number>();
  #highest = -1;

  accept(counter: number): boolean {
    if (counter >= REJECT || counter + SIZE < this.#highest || this.#seen.has(counter))
      return false;
    this.#seen.add(counter);
    this.#highest = Math.max(this.#highest, counter);
    return true;
  }
}

it.each([1, 2, 3])('matches a set of all counters on random input (seed %i)', (seed) => {
  const entropy = seededEntropy(seed);
  const random = (below: number) => {
    const bytes = new Uint8Array(4);
    entropy.fill(bytes);
    return new DataView(bytes.buffer).getUint32(0) % below;
  };
  const [window, naive] = [new ReplayWindow(), new NaiveWindow()];
  let highest = 0;
  for (let step = 0; step < 50_000; step++) {
    // Mostly near, sometimes as far as the ring's length, occasionally beyond it.
    const reach = [4, 64, SIZE + 70, 40_000][random(100) < 97 ? random(3) : 3]!;
    const counter = Math.max(0, highest + reach - random(2 * reach + 1));
    highest = Math.max(highest, counter);
    const accepted = naive.accept(counter);
    if (window.accept(counter) !== accepted) throw new Error(`step ${step}: ${counter}`);
  }
});

it('counts sent messages by the highest counter, and each received one once', () => {
  const window = new ReplayWindow();
  expect([window.sent, window.accepted]).toEqual([0, 0]);
  for (const counter of [0, 2, 2, 5, 4, 4, REJECT]) window.accept(counter);
  expect([window.sent, window.accepted]).toEqual([6, 4]);
  window.accept(LIMIT * 2);
  window.accept(1);
  expect([window.sent, window.accepted]).toEqual([LIMIT * 2 + 1, 5]);
});
