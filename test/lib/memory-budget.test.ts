import { MemoryBudget } from '../../src/lib/memory-budget.js';

it('grants no more than its limit, except with take()', () => {
  const budget = new MemoryBudget(100);
  expect(budget.tryTake(60)).toBe(true);
  expect(budget.tryTake(41)).toBe(false);
  expect(budget.tryTake(40)).toBe(true);
  budget.take(5);
  expect(budget.used).toBe(105);
  budget.give(6);
  expect(budget.tryTake(1)).toBe(true);
});
