import { refuseInterfaceBudget, trafficBudget } from '../../../src/cli/flags/budget-flag.js';
import { UserError } from '../../../src/lib/errors/user-error.js';

it.each([
  [undefined, undefined],
  [[], undefined],
  ['', undefined],
  ['50MB/day', { day: 50_000_000 }],
  [['50MB/day', '1GB/month'], { day: 50_000_000, month: 1_000_000_000 }],
  ['1GB/month, 50MB/day', { day: 50_000_000, month: 1_000_000_000 }],
  [['1kB/day'], { day: 1_000 }],
  [',50MB/day, ', { day: 50_000_000 }],
])('reads %j', (budget, expected) => {
  expect(trafficBudget({ ...(budget !== undefined && { budget }) })).toEqual(expected);
});

it.each([
  ['50MB', 'per day or month'],
  ['50MB/week', 'per day or month'],
  ['50/day', 'with a unit'],
  ['/day', 'with a unit'],
  ['0MB/day', 'at least 1kB'],
  ['999B/day', 'at least 1kB'],
  ['50MB/day/day', 'with a unit'],
  ['50MB/day,60MB/day', 'per day twice'],
  [' ', 'no amount'],
  [',', 'no amount'],
  [['50MB/day', ' , '], 'no amount'],
])('refuses %j', (text, why) => {
  let thrown: unknown;
  try {
    trafficBudget({ budget: text });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(UserError);
  expect(thrown).toMatchObject({ kind: 'usage', why: expect.stringContaining(why) as string });
});

it.each(['tun', 'kernel'])('refuses a budget in mode %s', (mode) => {
  expect(() => refuseInterfaceBudget({ mode, budget: '5MB/day' })).toThrow(
    `cannot use --budget with --mode=${mode}`,
  );
  expect(() => refuseInterfaceBudget({ mode })).not.toThrow();
  expect(() => refuseInterfaceBudget({ mode, budget: '' })).not.toThrow();
});

it.each(['auto', 'userspace'])('accepts a budget in mode %s, and checks it', (mode) => {
  expect(() => refuseInterfaceBudget({ mode, budget: '5MB/day' })).not.toThrow();
  expect(() => refuseInterfaceBudget({ mode, budget: 'x' })).toThrow('cannot use --budget=x');
});
