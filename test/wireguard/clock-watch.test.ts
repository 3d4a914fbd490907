import { ClockWatch } from '../../src/wireguard/clock-watch.js';

/** A watch over two clocks that a test moves. */
function watch() {
  const clocks = { wall: 1_800_000_000_000, now: 5_000 };
  const clockWatch = new ClockWatch({ unixMilliseconds: () => clocks.wall });
  const jump = (wall: number, now: number) => {
    clocks.wall += wall;
    clocks.now += now;
    return clockWatch.jump(clocks.now);
  };
  return { jump };
}

it('finds nothing at its first look, whatever the clocks say', () => {
  const { jump } = watch();
  expect(jump(0, 0)).toBe(0);
});

it('finds nothing where both clocks go on together, for a day', () => {
  const { jump } = watch();
  jump(0, 0);
  for (let hour = 0; hour < 24; hour++) expect(jump(3_600_000, 3_600_000)).toBe(0);
});

it.each([
  ['a suspend of ten minutes', 600_000, 0, 600_000],
  ['a suspend, and some time after it', 605_000, 5_000, 600_000],
  ['a wall clock set forward by a second', 1_010, 10, 1_000],
  ['a wall clock set back by an hour', -3_600_000, 0, -3_600_000],
  ['a wall clock set back by a second', -1_000, 0, -1_000],
  ['a monotonic clock that goes on from an old moment', 10, -2_000, 2_010],
])('finds %s', (_, wall, now, expected) => {
  const { jump } = watch();
  jump(0, 0);
  expect(jump(wall, now)).toBe(expected);
  // Once: from there on they go together again.
  expect(jump(7_000, 7_000)).toBe(0);
});

it.each([999, -999])('finds nothing in %i ms', (by) => {
  const { jump } = watch();
  jump(0, 0);
  expect(jump(by, 0)).toBe(0);
  expect(jump(-by, 0)).toBe(0);
});

it('adds up what is too small by itself, and begins anew from there', () => {
  const { jump } = watch();
  jump(0, 0);
  const found = Array.from({ length: 25 }, () => jump(6_100, 6_000));
  expect(found.filter((by) => by !== 0)).toEqual([
    expect.closeTo(1_070, 0),
    expect.closeTo(1_070, 0),
  ]);
  expect(found.findIndex((by) => by !== 0)).toBe(10);
});

it.each([30, -30])('forgives clocks that drift apart by %i ms a minute, for a week', (drift) => {
  const { jump } = watch();
  jump(0, 0);
  for (let minute = 0; minute < 7 * 24 * 60; minute++) {
    expect(jump(60_000 + drift, 60_000)).toBe(0);
  }
  // And finds a jump by what it is.
  expect(jump(5_000, 0)).toBe(5_000);
});

it('lets a drift one way cancel one the other way', () => {
  const { jump } = watch();
  jump(0, 0);
  for (let step = 0; step < 50; step++) {
    expect(jump(600, 0)).toBe(0);
    expect(jump(-1_200, 0)).toBe(0);
    expect(jump(600, 0)).toBe(0);
  }
});
