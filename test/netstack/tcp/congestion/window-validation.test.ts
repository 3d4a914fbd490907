import { WindowValidation } from '../../../../src/netstack/tcp/congestion/window-validation.js';

it('is limited when less than one more segment would fit', () => {
  const validation = new WindowValidation();
  validation.sample(9000, 10_000, 1000, false);
  expect(validation.isCwndLimited).toBe(false);
  validation.sample(9001, 10_000, 1000, false);
  expect(validation.isCwndLimited).toBe(true);
});

it('records the maximum in flight, however many ACKs a round trip has', () => {
  const validation = new WindowValidation();
  for (const inflight of [8000, 3000, 1000]) validation.sample(inflight, 20_000, 1000, false);
  expect([validation.isCwndLimited, validation.used]).toEqual([false, 8000]);
  for (const inflight of [20_000, 3000, 1000]) validation.sample(inflight, 20_000, 1000, false);
  expect([validation.isCwndLimited, validation.used]).toEqual([true, 20_000]);
});

it('remembers this round trip and the previous one', () => {
  const validation = new WindowValidation();
  validation.sample(10_000, 10_000, 1000, false);
  validation.sample(4000, 10_000, 1000, true);
  expect([validation.isCwndLimited, validation.used]).toEqual([true, 10_000]);
  validation.sample(3000, 10_000, 1000, true);
  expect([validation.isCwndLimited, validation.used]).toEqual([false, 4000]);
});

it('forgets both round trips', () => {
  const validation = new WindowValidation();
  validation.sample(10_000, 10_000, 1000, false);
  validation.sample(10_000, 10_000, 1000, true);
  validation.reset();
  expect([validation.isCwndLimited, validation.used]).toEqual([false, 0]);
});
