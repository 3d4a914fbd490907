import { IdleLimits, MAX_TARGETS } from '../../../../src/proxy/http/target/idle-limits.js';

const MINUTES = 60_000;

it('learns the shortest idle time after which a target has closed a connection', () => {
  const limits = new IdleLimits();
  limits.closed('a:80', 1_000, 0);
  limits.closed('a:80', 1_100, 0);
  expect(limits.of('a:80', 0)).toBe(1_000);
  limits.closed('a:80', 900, 0);
  expect(limits.of('a:80', 0)).toBe(900);
  expect(limits.of('b:80', 0)).toBe(Infinity);
});

it.each([
  [199, Infinity],
  [200, 200],
])('learns nothing from a connection that was just used: idle for %i ms', (idle, limit) => {
  const limits = new IdleLimits();
  limits.closed('a:80', idle, 0);
  expect(limits.of('a:80', 0)).toBe(limit);
});

it('forgets a limit after ten minutes, and learns a longer one', () => {
  const limits = new IdleLimits();
  limits.closed('a:80', 500, 0);
  limits.closed('a:80', 500, 5 * MINUTES);
  expect(limits.of('a:80', 10 * MINUTES - 1)).toBe(500);
  expect(limits.of('a:80', 10 * MINUTES)).toBe(Infinity);
  limits.closed('a:80', 2_000, 11 * MINUTES);
  expect(limits.of('a:80', 11 * MINUTES)).toBe(2_000);
});

it('forgets the target whose limit it learned first if there are too many', () => {
  const limits = new IdleLimits();
  for (let port = 1; port <= MAX_TARGETS; port++) limits.closed(`a:${port}`, 1_000, 0);
  limits.closed('a:1', 900, 0);
  limits.closed('b:80', 1_000, 0);
  expect(['a:1', 'a:2', 'a:3', 'b:80'].map((target) => limits.of(target, 0))).toEqual([
    900,
    Infinity,
    1_000,
    1_000,
  ]);
});
