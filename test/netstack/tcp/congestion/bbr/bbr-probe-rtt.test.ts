import { acknowledge, lose, steady, up } from './single-acks.js';

describe('ProbeRTT', () => {
  it('returns to ProbeBW_CRUISE if the pipe was full, with the previous window', () => {
    const [bbr, now] = steady();
    const { cwnd } = bbr;
    acknowledge(bbr, now, 9000, { rtt: 60 });
    expect(bbr.cwnd).toBe(20_000);
    now.inflight = 20_000;
    for (let at = 9050; at <= 9250; at += 50) acknowledge(bbr, now, at);
    expect(bbr.phase).toBe('ProbeRTT');
    acknowledge(bbr, now, 9251);
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
    expect(bbr.cwnd).toBe(cwnd);
  });

  it('is not restarted by ACKs without a round trip sample', () => {
    const [bbr, now] = steady();
    now.inflight = 20_000;
    acknowledge(bbr, now, 9000, { rtt: -1 });
    expect(bbr.phase).toBe('ProbeRTT');
    for (let at = 9050; at <= 9250; at += 50) acknowledge(bbr, now, at, { rtt: -1 });
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
  });

  it('leaves 15 % of the capacity to other flows (draft-ietf-ccwg-bbr 5.6.4.7)', () => {
    const [bbr, now] = steady();
    up(bbr, now);
    lose(bbr, now, 6, 20_000);
    bbr.enterRecovery();
    bbr.exitRecovery();
    // At twice the rate, half a bandwidth-delay product is more than the bound of 28 segments.
    acknowledge(bbr, now, 9000, { rtt: 60, deliveryRate: 2000 });
    expect(bbr.phase).toBe('ProbeRTT');
    expect(bbr.cwnd).toBeCloseTo(0.85 * 28_000, 6);
  });
});
