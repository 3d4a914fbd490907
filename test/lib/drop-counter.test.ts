import { DropCounter } from '../../src/lib/drop-counter.js';

it('counts by reason', () => {
  const drops = new DropCounter<'a' | 'b' | 'c'>();
  drops.count('a');
  drops.count('a');
  drops.count('b');
  expect([drops.of('a'), drops.of('c'), drops.total]).toEqual([2, 0, 3]);
  expect([...drops.entries()]).toEqual([
    ['a', 2],
    ['b', 1],
  ]);
});
