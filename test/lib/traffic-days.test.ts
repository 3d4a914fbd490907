import {
  addDays,
  addTraffic,
  formatDays,
  MAX_DAYS,
  parseDays,
  totalOf,
  type TrafficBytes,
  type TrafficDays,
} from '../../src/lib/traffic-days.js';

const DAYS: TrafficDays = {
  '2026-10-31': { sentBytes: 1, receivedBytes: 2 },
  '2026-11-01': { sentBytes: 10, receivedBytes: 20 },
  '2026-11-29': { sentBytes: 100, receivedBytes: 200 },
};

it('sums up a day and a month', () => {
  expect(totalOf(DAYS, '2026-11-29')).toEqual({
    period: '2026-11-29',
    sentBytes: 100,
    receivedBytes: 200,
  });
  expect(totalOf(DAYS, '2026-11')).toEqual({
    period: '2026-11',
    sentBytes: 110,
    receivedBytes: 220,
  });
  expect(totalOf(DAYS, '2026-12')).toMatchObject({ sentBytes: 0, receivedBytes: 0 });
});

it('adds days, and keeps later days if the clock was set back', () => {
  const added = addDays(DAYS, {
    '2026-11-01': { sentBytes: 5, receivedBytes: 6 },
    '2026-09-30': { sentBytes: 7, receivedBytes: 8 },
  });
  expect(added).toEqual({
    ...DAYS,
    '2026-09-30': { sentBytes: 7, receivedBytes: 8 },
    '2026-11-01': { sentBytes: 15, receivedBytes: 26 },
  });
});

it('is not negative if datagrams were not sent after all', () => {
  expect(
    addTraffic({ sentBytes: 5, receivedBytes: 5 }, { sentBytes: -9, receivedBytes: -1 }),
  ).toEqual({ sentBytes: 0, receivedBytes: 4 });
});

it('keeps the latest days only', () => {
  const day = (index: number) => new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10);
  const many: Record<string, TrafficBytes> = {};
  for (let index = 99; index >= 0; index--)
    many[day(index)] = { sentBytes: index, receivedBytes: 0 };
  const kept = Object.values(addDays(many, {})).map(({ sentBytes }) => sentBytes);
  expect(kept).toHaveLength(MAX_DAYS);
  expect(kept[0]).toBe(100 - MAX_DAYS);
  expect(kept.at(-1)).toBe(99);
  // A clock that was set back: the day is kept as long as traffic is added to it.
  const added = { sentBytes: 5, receivedBytes: 0 };
  const twice = addDays(addDays(many, { [day(-9)]: added }), { [day(-9)]: added });
  expect(Object.keys(twice)).toHaveLength(MAX_DAYS + 1);
  expect(twice[day(-9)]).toEqual({ sentBytes: 10, receivedBytes: 0 });
  expect(parseDays(formatDays(twice))).toEqual(twice);
  expect(addDays(twice, { [day(100)]: added })).not.toHaveProperty([day(-9)]);
});

it('reads what it writes', () => {
  expect(parseDays(formatDays(DAYS))).toEqual(DAYS);
});

it.each([
  '',
  'null',
  '[]',
  '{}',
  '{"days":[]}',
  '{"days":{"2026-11-29":null}}',
  '{"days":{"2026-11-29":{"sentBytes":-1,"receivedBytes":0}}}',
  '{"days":{"2026-11-29":{"sentBytes":1.5,"receivedBytes":0}}}',
  '{"days":{"2026-11-29":{"sentBytes":1}}}',
  '{"days":{"yesterday":{"sentBytes":1,"receivedBytes":0}}}',
  '{"days":{"2026-11-29":{"sentBytes":1,"receivedBytes"',
])('rejects %s', (text) => {
  expect(parseDays(text)).toBeUndefined();
});
