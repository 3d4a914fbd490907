import { markUsed, oldestIdle } from '../../src/lib/oldest-idle.js';

const [IDLE, BUSY] = [{ isBusy: false }, { isBusy: true }];

it('finds the idle one that was used longest ago', () => {
  const connections = new Map([
    ['busy', BUSY],
    ['first', IDLE],
    ['second', IDLE],
  ]);
  expect(oldestIdle(connections)).toBe('first');
  markUsed(connections, 'first');
  expect(oldestIdle(connections)).toBe('second');
  markUsed(connections, 'gone');
  expect([...connections.keys()]).toEqual(['busy', 'second', 'first']);
});

it('finds none where all are busy, or where there are none', () => {
  expect(oldestIdle(new Map([['one', BUSY]]))).toBeUndefined();
  expect(oldestIdle(new Map())).toBeUndefined();
});
