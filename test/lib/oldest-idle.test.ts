import { makeRoom, markUsed, oldestIdle } from '../../src/lib/oldest-idle.js';

const [IDLE, BUSY] = [{ isBusy: false }, { isBusy: true }];

it('finds the idle item that was used longest ago', () => {
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

it('finds no item if all are busy or the list is empty', () => {
  expect(oldestIdle(new Map([['one', BUSY]]))).toBeUndefined();
  expect(oldestIdle(new Map())).toBeUndefined();
});

it('makes room by closing the oldest idle item, but no item if all are busy', () => {
  const closed: string[] = [];
  const key = (name: string) => ({ destroy: () => closed.push(name) });
  const connections = new Map([
    [key('busy'), BUSY],
    [key('idle'), IDLE],
  ]);
  expect(makeRoom(connections, 3)).toBe(true);
  expect(closed).toEqual([]);
  expect(makeRoom(connections, 2)).toBe(true);
  expect(closed).toEqual(['idle']);
  expect(connections.size).toBe(1);
  expect(makeRoom(connections, 1)).toBe(false);
});
