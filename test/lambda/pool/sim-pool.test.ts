import {
  LONGEST_PAUSE,
  MEMORY,
  type PoolDecision,
  SHORTEST_PAUSE,
  SimPool,
  TENURE,
} from '../../../src/lambda/pool/sim-pool.js';
import type { Entropy } from '../../../src/ports/entropy.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';

const STAY: PoolDecision = { action: 'stay' };
const NOW = 1_767_225_600_000;

/** Entropy that always returns the same 32-bit number. */
function always(number: number): Entropy {
  return { fill: (bytes) => new DataView(bytes.buffer).setUint32(0, number) };
}

const [HEADS, TAILS] = [always(1), always(0)];

/** A pool whose sandbox has been alone on its SIM until `until`. */
function settled(size: number, entropy: Entropy, until: number): SimPool {
  const pool = new SimPool(size, entropy, 0);
  for (let at = until - TENURE; at <= until; at += 1_000) pool.answered(at);
  return pool;
}

/** Two signs; the second certainly moves a newcomer. */
function doubtTwice(pool: SimPool, now: number): PoolDecision {
  const first = pool.doubted(now);
  return first.action === 'stay' ? pool.doubted(now + 5_000) : first;
}

it('starts at random, or at its previous SIM', () => {
  const firsts = Array.from(
    { length: 400 },
    (_, seed) => new SimPool(40, seededEntropy(seed)).current,
  );
  expect(new Set(firsts).size).toBe(40);
  expect(new SimPool(40, HEADS, 7).current).toBe(7);
  expect(() => new SimPool(0, HEADS)).toThrow(RangeError);
  expect(() => new SimPool(3, HEADS, 3)).toThrow(RangeError);
});

describe('a newcomer', () => {
  it('moves after a coin toss at the first sign, and always at the second', () => {
    expect(new SimPool(4, HEADS, 0).doubted(NOW).action).toBe('move');
    const pool = new SimPool(4, TAILS, 0);
    expect(pool.doubted(NOW)).toEqual(STAY);
    expect(pool.doubted(NOW + 5_000).action).toBe('move');
  });

  it('tries each SIM once, in its own order', () => {
    const orders = [1, 2].map((seed) => {
      const pool = new SimPool(12, seededEntropy(seed), 0);
      const order: number[] = [];
      for (let now = NOW; ; now += 10_000) {
        const decision = doubtTwice(pool, now);
        if (decision.action !== 'move') return order;
        pool.moved(decision.to);
        order.push(decision.to);
      }
    });
    for (const order of orders) {
      expect([...order].sort((left, right) => left - right)).toEqual([
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
      ]);
    }
    expect(orders[0]).not.toEqual(orders[1]);
  });

  it('pauses after all were tried; the pause doubles with each round, up to a limit', () => {
    const pool = new SimPool(3, TAILS, 0);
    const pauses: number[] = [];
    let moves = 0;
    for (let now = NOW; now < NOW + 24 * 3_600_000; now += 10_000) {
      const decision = doubtTwice(pool, now);
      if (decision.action === 'share') pauses.push(decision.pause);
      if (decision.action !== 'move') continue;
      moves++;
      pool.moved(decision.to);
    }
    const doubled = [1, 2, 4, 8].map((times) => times * SHORTEST_PAUSE);
    expect(pauses.slice(0, 5)).toEqual([...doubled, LONGEST_PAUSE]);
    expect(pauses.at(-1)).toBe(LONGEST_PAUSE);
    // Two in a quarter of an hour, over a day.
    expect(moves).toBeLessThan(2 * 24 * 4 + 20);
    expect(moves).toBeGreaterThan(2 * 24 * 3);
  });

  it('does not move if there is only one SIM', () => {
    const pool = new SimPool(1, HEADS);
    expect([pool.doubted(NOW), pool.doubted(NOW + 5_000)]).toEqual([STAY, STAY]);
  });

  it('leaves a SIM that was never answered', () => {
    expect(new SimPool(2, TAILS, 0).silent(NOW)).toEqual({ action: 'move', to: 1 });
  });
});

describe('a silent SIM', () => {
  it('is replaced if another one has answered, even if that is in use', () => {
    const pool = new SimPool(2, TAILS, 0);
    expect(doubtTwice(pool, NOW)).toEqual({ action: 'move', to: 1 });
    pool.moved(1);
    expect(pool.silent(NOW + 10_000)).toMatchObject({ action: 'share', to: 0 });
    pool.moved(0);
    expect(doubtTwice(pool, NOW + 20_000)).toEqual(STAY);
    // A server that was silent may answer the next time.
    expect(doubtTwice(pool, NOW + 200_000)).toEqual({ action: 'move', to: 1 });
    pool.moved(1);
    expect(Object.values(doubtTwice(pool, NOW + 210_000))).not.toContain(0);
  });

  it('is kept if all are silent', () => {
    const pool = new SimPool(2, TAILS, 0);
    expect(pool.silent(NOW)).toEqual({ action: 'move', to: 1 });
    pool.moved(1);
    const decision = pool.silent(NOW + 10_000);
    expect(decision).toMatchObject({ action: 'share' });
    expect(decision).not.toMatchObject({ to: 0 });
    expect(pool.silent(NOW + 20_000)).toEqual(STAY);
    // The same happens in the next round.
    expect(pool.silent(NOW + 200_000)).toEqual({ action: 'move', to: 0 });
    pool.moved(0);
    expect(Object.values(pool.silent(NOW + 210_000))).not.toContain(1);
  });

  it('is no longer silent when it answers', () => {
    const pool = new SimPool(2, TAILS, 0);
    expect(pool.silent(NOW)).toEqual({ action: 'move', to: 1 });
    pool.moved(1);
    pool.silent(NOW + 10_000);
    pool.answered(NOW + 11_000);
    // The round is over, and the sandbox stays on this SIM.
    expect(doubtTwice(pool, NOW + 200_000)).toEqual({ action: 'move', to: 0 });
    pool.moved(0);
    expect(pool.silent(NOW + 210_000)).toMatchObject({ action: 'share', to: 1 });
  });
});

describe('a wall clock that is set back by an hour', () => {
  const back = NOW - 3_600_000;

  it('makes an incumbent a newcomer, which can become an incumbent again', () => {
    const pool = settled(4, HEADS, NOW);
    expect(pool.isIncumbent(back)).toBe(false);
    pool.answered(back);
    expect(pool.isIncumbent(back)).toBe(false);
    pool.answered(back + TENURE);
    expect(pool.isIncumbent(back + TENURE)).toBe(true);
  });

  it('ends a pause', () => {
    const pool = new SimPool(2, TAILS, 0);
    expect(doubtTwice(pool, NOW)).toEqual({ action: 'move', to: 1 });
    pool.moved(1);
    expect(doubtTwice(pool, NOW).action).toBe('share');
    expect(doubtTwice(pool, back)).toEqual({ action: 'move', to: 0 });
  });
});

describe('an incumbent', () => {
  it('was answered for 30 s without a sign', () => {
    const pool = new SimPool(4, HEADS, 0);
    pool.answered(NOW);
    pool.answered(NOW + TENURE - 1);
    expect(pool.isIncumbent(NOW + TENURE - 1)).toBe(false);
    pool.answered(NOW + TENURE);
    expect(pool.isIncumbent(NOW + TENURE)).toBe(true);
  });

  it.each(['doubted', 'interrupted'] as const)('was not %s meanwhile', (sign) => {
    const pool = new SimPool(4, TAILS, 0);
    pool.answered(NOW);
    pool[sign](NOW + 1_000);
    pool.answered(NOW + 2_000);
    pool.answered(NOW + TENURE + 1_999);
    expect(pool.isIncumbent(NOW + TENURE + 1_999)).toBe(false);
    pool.answered(NOW + TENURE + 2_000);
    expect(pool.isIncumbent(NOW + TENURE + 2_000)).toBe(true);
  });

  it('stays while newcomers come and go', () => {
    const pool = settled(4, HEADS, NOW);
    for (let now = NOW + 1_000; now < NOW + 3_600_000; now += 15_000) {
      expect(pool.doubted(now)).toEqual(STAY);
      pool.answered(now + 6_000);
    }
  });

  it('tosses the coin at the sixth sign in a minute, if the other one also stays', () => {
    const signs = [1, 2, 3, 4, 5, 6].map((serial) => NOW + serial * 5_000);
    const stays = settled(4, TAILS, NOW);
    const moves = settled(4, HEADS, NOW);
    expect(signs.map((now) => stays.doubted(now).action)).toEqual(Array(6).fill('stay'));
    expect(signs.map((now) => moves.doubted(now).action)).toEqual([
      ...Array<string>(5).fill('stay'),
      'move',
    ]);
  });

  it('is a newcomer when it wakes after more than a minute, and starts with its SIM', () => {
    const pool = settled(4, TAILS, NOW);
    expect(pool.isIncumbent(NOW + MEMORY)).toBe(true);
    expect(pool.isIncumbent(NOW + MEMORY + 1)).toBe(false);
    expect(pool.current).toBe(0);
    pool.answered(NOW + 600_000);
    pool.interrupted(NOW + 601_000);
    expect(pool.doubted(NOW + 601_000)).toEqual(STAY);
    expect(pool.doubted(NOW + 606_000).action).toBe('move');
  });

  it('becomes a newcomer on another SIM', () => {
    const pool = settled(4, HEADS, NOW);
    pool.moved(2);
    expect(pool.current).toBe(2);
    expect(pool.isIncumbent(NOW)).toBe(false);
  });
});
