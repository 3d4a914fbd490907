import { startLivenessBeats } from '../../../src/app/up/service-states.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

const TIMEOUT = 120_000;

/** Heartbeats with a test's answers, and the times at which they were sent. */
function setUp(isAlive: () => Promise<boolean>) {
  const clock = new FakeClock();
  const began = clock.now();
  const beats: number[] = [];
  const asked: number[] = [];
  const end = startLivenessBeats(
    {
      timeout: TIMEOUT,
      isAlive: () => {
        asked.push(clock.now() - began);
        return isAlive();
      },
      beat: () => void beats.push(clock.now() - began),
    },
    clock,
  );
  const advance = async (duration: number) => {
    for (let passed = 0; passed < duration; passed += 1_000) {
      clock.advance(Math.min(1_000, duration - passed));
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
  };
  return { clock, beats, asked, end, advance };
}

it.each([
  [30_000, [90_000]],
  [30_001, []],
])('are sent for an answer within a quarter of the interval: %d ms', async (delay, expected) => {
  let isFirst = true;
  const { clock, beats, asked, advance } = setUp(async () => {
    if (isFirst) await new Promise<void>((resolve) => clock.startTimer(delay, resolve));
    isFirst = false;
    return true;
  });
  await advance(91_000);
  expect(beats).toEqual(expected);
  // A late answer is not final: the data path is asked once more.
  await advance(60_000);
  expect(beats.length).toBeGreaterThan(expected.length);
  expect(asked).toHaveLength(2);
});
