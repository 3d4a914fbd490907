import { DropCounter } from '../../src/wireguard/drop-reason.js';

it('counts by reason and in all', () => {
  const drops = new DropCounter();
  drops.drop('replayed');
  drops.drop('replayed');
  drops.drop('staged-purged', 3);
  drops.drop('bad-tag', 0);
  expect(drops.get('replayed')).toBe(2);
  expect(drops.get('malformed')).toBe(0);
  expect(drops.total).toBe(5);
  expect([...drops]).toEqual([
    ['replayed', 2],
    ['staged-purged', 3],
  ]);
});
