import { cubicWindow, timeToMaximum } from '../../../../src/netstack/tcp/congestion/cubic-curve.js';

// RFC 9438 equation 1 with W_max = 100, K = cbrt(75) = 4.217 s.
it.each([
  [0, 70],
  [1000, 86.682],
])('is W_cubic(%d) (RFC 9438 4.2, RFC 9438 5.1)', (elapsed, window) => {
  expect(cubicWindow(elapsed, 100, timeToMaximum(100, 70))).toBeCloseTo(window, 2);
});
