import { acknowledge, lose, lossyRound, steady, up } from './single-acks.js';

describe('losses in ProbeBW_CRUISE', () => {
  it('have no effect after a ProbeRTT', () => {
    const [bbr, now] = steady();
    acknowledge(bbr, now, 1950, { deliveryRate: 750, delivered: 30_000 });
    lossyRound(bbr, now, 750);
    expect(bbr.pacingRate).toBeCloseTo(0.99 * 750, 6);
    bbr.exitRecovery();
    for (let at = 6000; at <= 6400; at += 100) {
      now.inflight = 10_000;
      acknowledge(bbr, now, at, { rtt: 60 });
    }
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
    expect(bbr.pacingRate).toBeCloseTo(990, 6);
  });
});

describe('too many losses in ProbeBW_UP', () => {
  it('leave 15 % of the capacity to other flows during cruise', () => {
    const [bbr, now] = steady();
    up(bbr, now);
    lose(bbr, now, 6);
    bbr.enterRecovery();
    now.inflight = 60_000;
    const late = { priorDelivered: 0, lost: 6000, inflight: 40_000 };
    acknowledge(bbr, now, 4000, late);
    expect(bbr.phase).toBe('ProbeBW_DOWN');
    // lost_prefix: (0.02 * 59 - 3) / 0.98 segments, after 59; the fourth loss is too many.
    expect(bbr.cwnd).toBeCloseTo(59_000 - 1857.14, 0);
    now.inflight = 30_000;
    acknowledge(bbr, now, 4000, late);
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
    expect(bbr.cwnd).toBeCloseTo(0.85 * (59_000 - 1857.14), 0);
  });

  it('have no effect during a ProbeRTT that interrupted the probe', () => {
    const [bbr, now] = steady();
    up(bbr, now);
    acknowledge(bbr, now, 9000, { rtt: 60 });
    expect(bbr.phase).toBe('ProbeRTT');
    now.inflight = 10_000;
    acknowledge(bbr, now, 9050);
    lose(bbr, now, 30);
    for (let at = 9100; at <= 9400; at += 50) acknowledge(bbr, now, at);
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
    expect(bbr.cwnd).toBeGreaterThan(80_000);
  });
});
