import { MinimumRtt } from '../../../../src/netstack/tcp/send/minimum-rtt.js';

const MINUTE = 60_000;

it('is the shortest round trip, Infinity before the first', () => {
  const minimum = new MinimumRtt();
  expect(minimum.value).toBe(Infinity);
  for (const rtt of [50, 40, 60]) minimum.sample(rtt, 0);
  expect(minimum.value).toBe(40);
});

it('is kept for 2.5 minutes at least, and forgotten after 5 (RFC 8985 6.2)', () => {
  const minimum = new MinimumRtt();
  minimum.sample(40, 0);
  minimum.sample(50, 2.4 * MINUTE);
  expect(minimum.value).toBe(40);
  // The second half begins; the first is remembered.
  minimum.sample(60, 2.5 * MINUTE);
  expect(minimum.value).toBe(40);
  minimum.sample(70, 4.9 * MINUTE);
  expect(minimum.value).toBe(40);
  minimum.sample(80, 5 * MINUTE);
  expect(minimum.value).toBe(60);
  minimum.sample(90, 7.5 * MINUTE);
  expect(minimum.value).toBe(80);
});

it('forgets all that is older than the window after a pause', () => {
  const minimum = new MinimumRtt();
  minimum.sample(40, 0);
  minimum.sample(90, 20 * MINUTE);
  expect(minimum.value).toBe(90);
});

it('forgets what a pause of half the window made too old', () => {
  const minimum = new MinimumRtt();
  minimum.sample(40, 0);
  minimum.sample(90, 5 * MINUTE);
  expect(minimum.value).toBe(90);
});
