import { state } from '../samples.js';
import { acknowledge, fresh } from './single-acks.js';

describe('ProbeRTT', () => {
  it('leads back to Startup when the pipe was never full', () => {
    const bbr = fresh();
    const now = state({ srtt: 40, inflight: 3000 });
    const limited = { isAppLimited: true, deliveryRate: 100 };
    acknowledge(bbr, now, 40, limited);
    acknowledge(bbr, now, 5100, { ...limited, rtt: 50 });
    expect(bbr.phase).toBe('ProbeRTT');
    for (let at = 5150; at <= 5350; at += 50) acknowledge(bbr, now, at, limited);
    expect(bbr.phase).toBe('Startup');
  });
});

describe('low rates within a ProbeRTT', () => {
  it('are not what the path carries: Startup goes on after it', () => {
    const bbr = fresh();
    const now = state({ srtt: 40, inflight: 10_000 });
    acknowledge(bbr, now, 40);
    for (let at = 5100; at <= 5500; at += 50)
      acknowledge(bbr, now, at, { deliveryRate: 100, rtt: 60 });
    expect(bbr.phase).toBe('Startup');
  });
});
