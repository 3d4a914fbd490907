import { SleepWatch } from '../../src/lambda/sleep-watch.js';
import { FakeClock } from '../support/fakes/fake-clock.js';

function watch() {
  const wall = { now: 1_800_000_000_000 };
  const clock = new FakeClock();
  return { wall, clock, sleep: new SleepWatch(clock, { unixMilliseconds: () => wall.now }) };
}

it('uses the wall clock if the monotonic clock has stood still', () => {
  const { wall, clock, sleep } = watch();
  sleep.mark();
  clock.skip(5);
  wall.now += 600_000;
  expect(sleep.elapsed()).toBe(600_000);
});

it('uses the monotonic clock if the wall clock was set back', () => {
  const { wall, clock, sleep } = watch();
  sleep.mark();
  clock.skip(40_000);
  wall.now -= 3_600_000;
  expect(sleep.elapsed()).toBe(40_000);
});

it('counts from its mark, and before the first mark from its start', () => {
  const { wall, clock, sleep } = watch();
  clock.skip(700);
  expect(sleep.elapsed()).toBe(700);
  wall.now += 800;
  expect(sleep.elapsed()).toBe(800);
  sleep.mark();
  expect(sleep.elapsed()).toBe(0);
});
