import {
  budgetUseText,
  exhaustedBudget,
  healthText,
} from '../../../src/app/status/status-texts.js';
import { BUDGET, TRAFFIC } from '../../support/fakes/status-report.js';

it('is one word if healthy, and otherwise the problem', () => {
  expect(healthText({ health: 'up', silence: undefined })).toBe('up');
  const rival = { why: 'it takes the session', lastSeenUnix: 1 };
  const text = 'up: another tunnel is using this virtual SIM: it takes the session';
  expect(healthText({ health: 'up', silence: undefined, rival })).toBe(text);
  const silence = { reason: 'no-answer', why: 'it has not answered' } as const;
  expect(healthText({ health: 'stale', silence, rival })).toBe('stale: it has not answered');
});

it('includes each budget that is used up, or soon will be', () => {
  const day =
    'the traffic budget of 10.0 kB per day is used up, and new connections are refused until 2026-11-27T00:00:00Z';
  const month = 'more than 80 % of the traffic budget of 180.0 kB per month is used';
  const traffic = { ...TRAFFIC, budget: BUDGET };
  expect(healthText({ health: 'up', silence: undefined, traffic })).toBe(`up: ${day}: ${month}`);
  const free = BUDGET.map((use) => ({ ...use, usedBytes: 0 }));
  const unused = { ...TRAFFIC, budget: free };
  expect(healthText({ health: 'up', silence: undefined, traffic: unused })).toBe('up');
});

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
