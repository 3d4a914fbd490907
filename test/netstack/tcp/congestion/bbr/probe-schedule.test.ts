import { ProbeSchedule } from '../../../../../src/netstack/tcp/congestion/bbr/probe-schedule.js';

it.each([
  [0, 2000],
  [0.5, 2500],
  [0.999, 2999],
])(
  'is due after 2 to 3 s: at chance %d, after %d ms (draft-ietf-ccwg-bbr 5.3.3.8)',
  (chance, wait) => {
    const schedule = new ProbeSchedule(() => chance);
    schedule.restart(10, 1000);
    expect(schedule.isDue(1000, 11, 1000 + wait)).toBe(false);
    expect(schedule.isDue(1000, 11, 1000 + wait + 1)).toBe(true);
  },
);

it.each([
  [0, 40, 40],
  [0.5, 40, 39],
  [0, 1000, 63],
])(
  'is due as often as Reno would fill the path: at chance %d and %d segments, %d rounds (draft-ietf-ccwg-bbr 5.3.3.8)',
  (chance, target, rounds) => {
    const schedule = new ProbeSchedule(() => chance);
    schedule.restart(100, 0);
    expect(schedule.isDue(target, 100 + rounds - 1, 1)).toBe(false);
    expect(schedule.isDue(target, 100 + rounds, 1)).toBe(true);
  },
);
