import {
  bytesToNextLevel,
  countedDay,
  dayOf,
  endOf,
  isUsedUp,
  levelOf,
  usesOf,
} from '../../../src/tunnel/traffic/traffic-budget.js';

const DAYS = {
  '2026-10-31': { sentBytes: 1, receivedBytes: 2 },
  '2026-11-01': { sentBytes: 10, receivedBytes: 20 },
  '2026-11-30': { sentBytes: 100, receivedBytes: 200 },
};

it.each([
  [{ day: 500 }, [['day', '2026-11-30', 500, 300, Date.UTC(2026, 11, 1)]]],
  [{ month: 900 }, [['month', '2026-11', 900, 330, Date.UTC(2026, 11, 1)]]],
  [
    { month: 900, day: 1 },
    [
      ['day', '2026-11-30', 1, 300, Date.UTC(2026, 11, 1)],
      ['month', '2026-11', 900, 330, Date.UTC(2026, 11, 1)],
    ],
  ],
  [{}, []],
  [{ day: undefined, month: undefined }, []],
])('computes the use of %j', (budget, expected) => {
  const uses = usesOf(budget, DAYS, '2026-11-30');
  const rows = uses.map((use) => [use.per, use.period, use.bytes, use.usedBytes, use.endsUnix]);
  expect(rows).toEqual(expected);
});

it('has no use on a day without traffic', () => {
  expect(usesOf({ day: 5, month: 5 }, DAYS, '2026-12-01')).toMatchObject([
    { period: '2026-12-01', usedBytes: 0, endsUnix: Date.UTC(2026, 11, 2) },
    { period: '2026-12', usedBytes: 0, endsUnix: Date.UTC(2027, 0, 1) },
  ]);
});

it.each([
  [0, 'free', false, 800],
  [799, 'free', false, 1],
  [800, 'low', false, 200],
  [999, 'low', false, 1],
  [1_000, 'exhausted', true, 50],
  [1_049, 'exhausted', true, 1],
  [1_050, 'exceeded', true, 50],
  [9_999, 'exceeded', true, 50],
] as const)('with %i of 1,000 bytes, the level is %s', (usedBytes, level, isExhausted, next) => {
  const use = { per: 'day', period: '2026-11-30', bytes: 1_000, usedBytes, endsUnix: 0 } as const;
  expect(levelOf(use)).toBe(level);
  expect(isUsedUp(use)).toBe(isExhausted);
  expect(bytesToNextLevel(use)).toBe(next);
});

it('waits for at least one byte', () => {
  const use = { per: 'day', period: '2026-11-30', bytes: 1, usedBytes: 7, endsUnix: 0 } as const;
  expect(bytesToNextLevel(use)).toBe(1);
});

it.each([
  ['2026-11-29', '2026-11-30'],
  ['2026-11-30', '2026-12-01'],
  ['2026-12-31', '2027-01-01'],
  ['2028-02-28', '2028-02-29'],
  ['2026-11', '2026-12-01'],
  ['2026-12', '2027-01-01'],
])('%s ends when %s begins', (period, next) => {
  expect(endOf(period)).toBe(Date.parse(`${next}T00:00:00Z`));
});

it('cuts days at midnight in UTC', () => {
  expect(dayOf(Date.UTC(2026, 10, 30) - 1)).toBe('2026-11-29');
  expect(dayOf(Date.UTC(2026, 10, 30))).toBe('2026-11-30');
});

it.each([
  ['the clock is right', Date.UTC(2026, 11, 1), true, '2026-12-01'],
  ['the clock is behind and may not be set', Date.UTC(1970, 0, 1), true, '2026-11-30'],
  ['the clock is behind and certain', Date.UTC(1970, 0, 1), false, '1970-01-01'],
])('counts the day if %s', (_, unix, isDoubtful, day) => {
  expect(countedDay(DAYS, unix, isDoubtful)).toBe(day);
});

it.each([
  ['2027-01-19', 'counts', Date.UTC(2026, 11, 19), '2027-01-19'],
  ['2027-01-19', 'does not count', Date.UTC(2026, 11, 18), '2026-12-18'],
  ['2036-05-01', 'does not count', Date.UTC(2026, 10, 1), '2026-11-30'],
  ['2036-05-01', 'counts', Date.UTC(2026, 10, 1) - 1, '2036-05-01'],
])('with a stored day of %s, which %s, counts the day of %d', (stored, _, unix, day) => {
  const days = { ...DAYS, [stored]: { sentBytes: 1, receivedBytes: 2 } };
  expect(countedDay(days, unix, true)).toBe(day);
});

it('uses the latest plausible day, whatever else is stored', () => {
  const days = { '2036-05-01': DAYS['2026-11-30'], ...DAYS, '2036-05-02': DAYS['2026-11-30'] };
  expect(countedDay(days, Date.UTC(2026, 10, 29), true)).toBe('2026-11-30');
});

it('counts the day of a clock that is not set, if nothing is stored', () => {
  expect(countedDay({}, 0, true)).toBe('1970-01-01');
});
