import { cubicWindow, timeToMaximum } from '../../../../src/netstack/tcp/congestion/cubic-curve.js';

// RFC 9438 equation 2 with C = 0.4: K = cbrt((W_max - cwnd_epoch) / C), in seconds.
it.each([
  [100, 70, Math.cbrt(75)],
  [1000, 700, Math.cbrt(750)],
  [50, 50, 0],
])('takes K to reach %d from %d', (maximum, epochWindow, seconds) => {
  expect(timeToMaximum(maximum, epochWindow)).toBeCloseTo(1000 * seconds, 6);
});

// RFC 9438 equation 1 with W_max = 100, K = cbrt(75) = 4.217 s.
it.each([
  [0, 70],
  [1000, 86.682],
  [2000, 95.64],
  [4217.163, 100],
  [5217.163, 100.4],
  [6217.163, 103.2],
  [8434.327, 130],
])('is W_cubic(%d) (RFC 9438 4.2, RFC 9438 5.1)', (elapsed, window) => {
  expect(cubicWindow(elapsed, 100, timeToMaximum(100, 70))).toBeCloseTo(window, 2);
});
