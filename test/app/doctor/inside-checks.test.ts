import { checkBudget } from '../../../src/app/doctor/inside-checks.js';
import { BUDGET, TRAFFIC } from '../../support/fakes/status-report.js';

it('finds a traffic budget that is used up', () => {
  expect(checkBudget({ traffic: { ...TRAFFIC, budget: BUDGET } })).toEqual({
    name: 'unified-endpoint',
    outcome: 'failed',
    kind: 'tunnel',
    text: 'The traffic budget is used up.',
    cause:
      'The traffic budget of 10.0 kB per day is used up, and new connections are refused until 2026-11-27T00:00:00Z.',
    remedy: 'Wait until then, or restart "arctun up" with a larger --budget.',
  });
});

it('accepts a budget with a rest, and none', () => {
  expect(checkBudget({ traffic: { ...TRAFFIC, budget: BUDGET.slice(1) } })).toBeUndefined();
  expect(checkBudget({ traffic: TRAFFIC })).toBeUndefined();
  expect(checkBudget({})).toBeUndefined();
});
