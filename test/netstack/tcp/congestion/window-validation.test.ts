import { WindowValidation } from '../../../../src/netstack/tcp/congestion/window-validation.js';

it('is limited when less than one segment more would fit', () => {
  const validation = new WindowValidation();
  validation.sample(9000, 10_000, 1000, false);
  expect(validation.isCwndLimited).toBe(false);
  validation.sample(9001, 10_000, 1000, false);
  expect(validation.isCwndLimited).toBe(true);
});

it('remembers this round trip and the last one', () => {
  const validation = new WindowValidation();
  validation.sample(10_000, 10_000, 1000, false);
  validation.sample(4000, 10_000, 1000, true);
  expect([validation.isCwndLimited, validation.used]).toEqual([true, 10_000]);
  validation.sample(3000, 10_000, 1000, true);
  expect([validation.isCwndLimited, validation.used]).toEqual([false, 4000]);
});

it('forgets all of it', () => {
  const validation = new WindowValidation();
  validation.sample(10_000, 10_000, 1000, false);
  validation.sample(10_000, 10_000, 1000, true);
  validation.reset();
  expect([validation.isCwndLimited, validation.used]).toEqual([false, 0]);
});
