import { startLivenessBeats } from '../../../src/app/up/liveness-beats.js';
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

it('are sent at half of the interval', async () => {
  const { beats, advance } = setUp(() => Promise.resolve(true));
  await advance(59_000);
  expect(beats).toEqual([]);
  await advance(200_000);
  expect(beats).toEqual([60_000, 120_000, 180_000, 240_000]);
});

it.each([
  ['the answer is no', () => Promise.resolve(false)],
  ['there is an error instead', () => Promise.reject(new Error('broken'))],
])('are not sent if %s, and the status is requested again in time', async (_, isAlive) => {
  const { beats, asked, advance } = setUp(isAlive);
  await advance(TIMEOUT);
  expect(beats).toEqual([]);
  expect(asked).toEqual([60_000, 75_000, 90_000, 105_000, 120_000]);
});

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
