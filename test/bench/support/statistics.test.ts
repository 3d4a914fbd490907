import { differences, quantile, summarize } from '../../../bench/support/statistics.js';

it('uses existing values, and does not change their order', () => {
  const values = [5, 1, 4, 2, 3];
  expect(
    [0, 0.2, 0.21, 0.5, 0.99, 1].map((part): number => quantile(values, part) as number),
  ).toEqual([1, 1, 2, 3, 5, 5]);
  expect(values).toEqual([5, 1, 4, 2, 3]);
  expect(quantile([], 0.5)).toBeNaN();
});

it('returns the 198th of 200 as the 99th percentile', () => {
  const values = Array.from({ length: 200 }, (_, index) => index + 1);
  expect(summarize(values)).toEqual({ count: 200, median: 100, p99: 198, largest: 200 });
});

it('subtracts within each pair', () => {
  expect(
    differences([
      { ours: 5, baseline: 2 },
      { ours: 1, baseline: 3 },
    ]),
  ).toEqual([3, -2]);
});
