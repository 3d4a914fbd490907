import { state } from '../samples.js';
import { acknowledge, fresh, steady } from './single-acks.js';

describe('after an idle time', () => {
  it('paces at the rate of the path (draft-ietf-ccwg-bbr 5.4)', () => {
    const [bbr, now] = steady();
    for (let round = 0; bbr.phase !== 'ProbeBW_UP' && round < 60; round++)
      acknowledge(bbr, now, 1000 + 40 * round);
    expect(bbr.pacingRate).toBeCloseTo(1.25 * 990, 6);
    bbr.restart(state({ isAppLimited: false }), 500, 300, 4000);
    expect(bbr.pacingRate).toBeCloseTo(1.25 * 990, 6);
    bbr.restart(state({ isAppLimited: true }), 500, 300, 4000);
    expect(bbr.pacingRate).toBeCloseTo(990, 6);
  });

  it('looks for a shorter round trip again after data was delivered', () => {
    const [bbr, now] = steady();
    bbr.restart(state({ isAppLimited: true, delivered: now.delivered }), 9000, 300, 20_000);
    // A repeated ACK from before the idle time says nothing about the path.
    acknowledge(bbr, now, 20_050, { delivered: 0, rtt: -1 });
    expect(bbr.phase).not.toBe('ProbeRTT');
    acknowledge(bbr, now, 20_060, { rtt: 60 });
    expect(bbr.phase).not.toBe('ProbeRTT');
    acknowledge(bbr, now, 25_061, { rtt: 70 });
    expect(bbr.phase).toBe('ProbeRTT');
  });

  it('ends an expired ProbeRTT, whether or not the user limited it (draft-ietf-ccwg-bbr 5.4)', () => {
    const [bbr, now] = steady();
    const { cwnd } = bbr;
    acknowledge(bbr, now, 9000, { rtt: 60 });
    now.inflight = 10_000;
    acknowledge(bbr, now, 9050);
    const idle = state({ delivered: now.delivered });
    bbr.restart(idle, 100, 300, 9250);
    expect(bbr.phase).toBe('ProbeRTT');
    bbr.restart(idle, 101, 300, 9251);
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
    expect(bbr.cwnd).toBe(cwnd);
  });

  it('continues Drain unchanged, even if a ProbeRTT came before', () => {
    const bbr = fresh();
    const now = state({ srtt: 40, inflight: 10_000 });
    let at = 5100;
    acknowledge(bbr, now, 40, { isAppLimited: true });
    for (; at <= 5500; at += 50) acknowledge(bbr, now, at, { rtt: 60, isAppLimited: true });
    expect(bbr.phase).toBe('Startup');
    now.inflight = 90_000;
    while (bbr.phase === 'Startup' && at < 7000) acknowledge(bbr, now, (at += 40));
    expect(bbr.phase).toBe('Drain');
    bbr.restart(state({ isAppLimited: true, delivered: now.delivered }), 500, 300, at + 500);
    expect(bbr.phase).toBe('Drain');
    expect(bbr.pacingRate).toBeCloseTo(0.5 * 990, 6);
  });
});
