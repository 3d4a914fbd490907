import type { CongestionAlgorithm } from '../../../../src/netstack/tcp/congestion/congestion-control.js';
import { createCongestionControl } from '../../../../src/netstack/tcp/congestion/create.js';

it.each<CongestionAlgorithm>(['bbr', 'cubic', 'reno'])('creates %s', (algorithm) => {
  const control = createCongestionControl(algorithm, { mss: 1400, random: () => 0, now: 0 });
  expect(control.algorithm).toBe(algorithm);
  expect([control.cwnd, control.ssthresh]).toEqual([14_000, Infinity]);
  control.setMss(536);
  expect(control.cwnd).toBe(5360);
  control.setMss(9000);
  expect(control.cwnd).toBe(18_000);
});
