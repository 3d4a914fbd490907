import { initialWindow } from '../../../../src/netstack/tcp/congestion/initial-window.js';

it.each([
  [500, 5000],
  [1220, 12_200],
  [1460, 14_600],
  [4000, 14_600],
  [8960, 17_920],
])('is that of RFC 6928 for an MSS of %d (RFC 6928 2)', (mss, window) => {
  expect(initialWindow(mss)).toBe(window);
});
