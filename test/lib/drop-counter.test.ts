import { DropCounter } from '../../src/lib/drop-counter.js';

it('counts by reason and in total', () => {
  const drops = new DropCounter<'a' | 'b' | 'c' | 'd'>();
  drops.count('a');
  drops.count('a');
  drops.count('b', 3);
  drops.count('d', 0);
  expect([drops.of('a'), drops.of('c'), drops.total]).toEqual([2, 0, 5]);
  expect([...drops]).toEqual([
    ['a', 2],
    ['b', 3],
  ]);
});
