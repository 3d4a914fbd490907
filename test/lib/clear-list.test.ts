import { clearList } from '../../src/lib/clear-list.js';

it.each([0, 1, 1_000])('removes all of %i elements', (count) => {
  const list = Array.from({ length: count }, (_, index) => index);
  clearList(list);
  expect(list).toEqual([]);
});
