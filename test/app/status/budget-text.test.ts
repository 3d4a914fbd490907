import { budgetUseText, exhaustedBudget } from '../../../src/app/status/budget-text.js';
import { BUDGET, TRAFFIC } from '../../support/fakes/status-report.js';

const [DAY, MONTH] = BUDGET;

it.each([
  [0, '0 B of 10.0 kB used (0 %), resets at 2026-11-27T00:00:00Z'],
  [9_999, '10.0 kB of 10.0 kB used (99 %), resets at 2026-11-27T00:00:00Z'],
  [10_000, '10.0 kB of 10.0 kB used (100 %), resets at 2026-11-27T00:00:00Z'],
  [11_000, '11.0 kB of 10.0 kB used (110 %), resets at 2026-11-27T00:00:00Z'],
])('describes a use of %d bytes', (usedBytes, text) => {
  expect(budgetUseText({ ...DAY!, usedBytes })).toBe(text);
});

it('finds the budget that refuses new work the longest', () => {
  const both = [DAY!, { ...MONTH!, usedBytes: 180_000 }];
  const exhausted = (budget: typeof BUDGET) => exhaustedBudget({ traffic: { ...TRAFFIC, budget } });
  expect(exhausted(both)?.per).toBe('month');
  expect(exhausted(BUDGET)?.per).toBe('day');
  expect(exhausted([MONTH!])).toBeUndefined();
  expect(exhaustedBudget({ traffic: undefined })).toBeUndefined();
});
