import { isLossTooHigh } from '../../../../../src/netstack/tcp/congestion/bbr/loss-threshold.js';

// Of 178 segments (100 Mbit/s, 20 ms), 2 % are 3.6; the margin for chance adds 3.8.
it.each([
  [178, 7, 8],
  [5000, 120, 121],
  [10, 1, 2],
  [1, 0, 1],
])(
  'is too high in %d segments between %d and %d lost ones (draft-ietf-ccwg-bbr 5.5.10.2)',
  (sent, below, above) => {
    expect(isLossTooHigh(below * 1400, sent * 1400, 1400)).toBe(false);
    expect(isLossTooHigh(above * 1400, sent * 1400, 1400)).toBe(true);
  },
);
