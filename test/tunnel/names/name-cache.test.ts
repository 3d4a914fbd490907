import { NameCache } from '../../../src/tunnel/names/name-cache.js';

it('keeps a name for its TTL, but at most for an hour', () => {
  const cache = new NameCache();
  cache.set('a', ['10.0.0.1'], 1_000, 0);
  cache.set('b', [], 86_400_000, 0);
  cache.set('c', ['10.0.0.1'], 0, 0);
  expect(cache.get('a', 999)).toEqual(['10.0.0.1']);
  expect(cache.get('a', 1_000)).toBeUndefined();
  expect(cache.get('b', 3_599_999)).toEqual([]);
  expect(cache.get('b', 3_600_000)).toBeUndefined();
  expect(cache.get('c', 0)).toBeUndefined();
});

it('keeps 1,024 names, and evicts the least recently used one', () => {
  const cache = new NameCache();
  for (let index = 0; index < 1024; index++) cache.set(`n${index}`, [], 1_000, 0);
  cache.get('n0', 0);
  cache.set('new', [], 1_000, 0);
  expect(cache.size).toBe(1024);
  expect(cache.get('n0', 0)).toEqual([]);
  expect(cache.get('n1', 0)).toBeUndefined();
});
