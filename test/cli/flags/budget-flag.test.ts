import { refuseInterfaceBudget, trafficBudget } from '../../../src/cli/flags/budget-flag.js';

it.each([
  [undefined, undefined],
  [[''], undefined],
  [['50MB/day', '1GB/month'], { day: 50_000_000, month: 1_000_000_000 }],
  [[',1GB/month, 1kB/day'], { day: 1_000, month: 1_000_000_000 }],
])('reads %j', (budget, expected) => {
  expect(trafficBudget({ ...(budget !== undefined && { budget }) })).toEqual(expected);
});

it.each([
  ['50MB', 'per day or month'],
  ['50MB/week', 'per day or month'],
  ['50/day', 'with a unit'],
  ['/day', 'with a unit'],
  ['999B/day', 'at least 1kB'],
  ['50MB/day,60MB/day', 'per day twice'],
  [' , ', 'no amount'],
])('refuses %j', (text, why) => {
  expect(() => trafficBudget({ budget: [text] })).toThrow(
    expect.objectContaining({
      kind: 'usage',
      why: expect.stringContaining(why) as string,
    }) as Error,
  );
});

it('refuses a budget with a network interface, and checks it otherwise', () => {
  const budget = ['5MB/day'];
  for (const mode of ['tun', 'kernel']) {
    const refused = `cannot use --budget with --mode=${mode}`;
    expect(() => refuseInterfaceBudget({ mode, budget })).toThrow(refused);
    expect(() => refuseInterfaceBudget({ mode, budget: [''] })).not.toThrow();
  }
  expect(() => refuseInterfaceBudget({ mode: 'auto', budget })).not.toThrow();
  expect(() => refuseInterfaceBudget({ mode: 'auto', budget: ['x'] })).toThrow(
    'cannot use --budget=x',
  );
});
