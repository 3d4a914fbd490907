import { sample, state } from '../samples.js';
import { acknowledge, fresh, LOSSY, lossyStartup } from './single-acks.js';

describe('Startup', () => {
  it('paces by the measured rate from the first round trip on', () => {
    const bbr = fresh();
    expect(bbr.pacingRate).toBeCloseTo(2.77 * 10_000, 6);
    bbr.acknowledged(sample({ priorDelivered: 0 }), state({ srtt: 100 }), 100);
    expect(bbr.pacingRate).toBeCloseTo(2.77 * 100, 6);
    expect(bbr.sendQuantum).toBe(2000);
  });

  it('assumes a round trip of 1 ms until one is measured, and uses only the first one', () => {
    const bbr = fresh();
    const now = state({ srtt: 0 });
    acknowledge(bbr, now, 40, { deliveryRate: 10, rtt: -1 });
    expect(bbr.pacingRate).toBeCloseTo(2.77 * 10_000, 6);
    for (const srtt of [100, 200]) {
      now.srtt = srtt;
      acknowledge(bbr, now, 40 + srtt, { deliveryRate: 10, rtt: srtt });
      expect(bbr.pacingRate).toBeCloseTo(2.77 * 100, 6);
    }
  });

  it('ends after six bursts of loss in fast recovery, not after a timeout (draft-ietf-ccwg-bbr 5.3.1.3)', () => {
    const [bbr, timedOut] = [fresh(), fresh()];
    for (const each of [bbr, timedOut]) {
      const now = state({ srtt: 40, inflight: 90_000 });
      lossyStartup(each, now, 7);
      if (each === timedOut) each.timedOut();
      expect(each.phase).toBe('Startup');
      acknowledge(each, now, 120, LOSSY);
    }
    expect([bbr.phase, timedOut.phase]).toEqual(['Drain', 'Startup']);
  });

  it('keeps pacing if losses end it before any rate was measured', () => {
    const bbr = fresh();
    const blind = state({ srtt: 100, usesSack: false });
    bbr.enterRecovery();
    acknowledge(bbr, blind, 100, { deliveryRate: 0, newlyLost: 1000 });
    expect(bbr.phase).not.toBe('Startup');
    expect(bbr.pacingRate).toBeCloseTo(2.77 * 100, 6);
  });
});

describe('Drain', () => {
  it('ends after three rounds even if a queue remains (draft-ietf-ccwg-bbr 5.3.2)', () => {
    const bbr = fresh();
    const now = state({ srtt: 40, inflight: 90_000 });
    let at = 0;
    while (bbr.phase === 'Startup' && at < 1000) acknowledge(bbr, now, (at += 40));
    const phases = Array.from({ length: 4 }, () => {
      acknowledge(bbr, now, (at += 40));
      return bbr.phase;
    });
    expect(phases).toEqual(['Drain', 'Drain', 'Drain', 'ProbeBW_DOWN']);
  });

  it('ends when the data in flight is at most the bandwidth-delay product (draft-ietf-ccwg-bbr 5.3.2)', () => {
    const bbr = fresh();
    const now = state({ srtt: 40, inflight: 40_001 });
    let at = 0;
    while (bbr.phase === 'Startup' && at < 1000) acknowledge(bbr, now, (at += 40));
    acknowledge(bbr, now, (at += 40));
    expect(bbr.phase).toBe('Drain');
    now.inflight = 40_000;
    acknowledge(bbr, now, at + 40);
    expect(bbr.phase).toMatch(/^ProbeBW/);
  });
});
