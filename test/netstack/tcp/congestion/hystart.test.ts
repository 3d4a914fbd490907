import { HyStart } from '../../../../src/netstack/tcp/congestion/hystart.js';

/** A round of `count` samples; returns whether slow start ended at one of them. */
function round(hystart: HyStart, rtt: number, count = 8): boolean {
  let isOver = false;
  for (let index = 0; index < count; index++) {
    isOver = hystart.acknowledged(rtt, index === 0) || isOver;
  }
  return isOver;
}

// RFC 9406 4.2: RttThresh is an eighth of the round trip, between 4 and 16 ms.
it.each([
  [10, 4],
  [32, 4],
  [80, 10],
  [128, 16],
  [400, 16],
])('slows down when a round trip of %d ms grows by %d ms (RFC 9406 4.2)', (rtt, threshold) => {
  const below = new HyStart();
  round(below, rtt);
  round(below, rtt + threshold - 0.5);
  expect(below.growthDivisor).toBe(1);
  const above = new HyStart();
  round(above, rtt);
  round(above, rtt + threshold);
  expect(above.growthDivisor).toBe(4);
});

it('requires eight samples in a round (RFC 9406 4.2)', () => {
  const hystart = new HyStart();
  round(hystart, 100);
  round(hystart, 150, 7);
  expect(hystart.growthDivisor).toBe(1);
  hystart.acknowledged(-1, false);
  expect(hystart.growthDivisor).toBe(1);
  hystart.acknowledged(150, false);
  expect(hystart.growthDivisor).toBe(4);
});

it('ends after five rounds, including the one in which it slowed down (RFC 9406 4.2)', () => {
  const hystart = new HyStart();
  round(hystart, 100);
  const over = [115, 120, 120, 120, 120, 120].map((rtt) => round(hystart, rtt));
  expect(over).toEqual([false, false, false, false, false, true]);
});

it('counts five new rounds after it resumed', () => {
  const hystart = new HyStart();
  for (const rtt of [100, 115, 115, 115, 114]) round(hystart, rtt);
  expect(hystart.growthDivisor).toBe(1);
  // From 114 ms on, the threshold is 15 ms more.
  const over = [129, 129, 129, 129, 129, 129].map((rtt) => round(hystart, rtt));
  expect(over).toEqual([false, false, false, false, false, true]);
});

it('does not compare round trips across an idle time', () => {
  const hystart = new HyStart();
  round(hystart, 100);
  hystart.restart();
  round(hystart, 150);
  expect(hystart.growthDivisor).toBe(1);
});
