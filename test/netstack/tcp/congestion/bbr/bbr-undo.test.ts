import { state, transmission } from '../samples.js';
import { acknowledge, fresh, lose, LOSSY, lossyStartup, steady, up } from './single-acks.js';

describe('undoing a recovery', () => {
  it('returns to Startup, which continues', () => {
    const [bbr, now] = [fresh(), state({ srtt: 40, inflight: 90_000 })];
    lossyStartup(bbr, now, 7);
    acknowledge(bbr, now, 120, LOSSY);
    expect(bbr.phase).toBe('Drain');
    bbr.undo(now);
    expect(bbr.phase).toBe('Startup');
    acknowledge(bbr, now, 160);
    expect(bbr.phase).toBe('Startup');
  });

  it('removes the bounds of its losses', () => {
    const [bbr, now] = steady();
    acknowledge(bbr, now, 1900, { deliveryRate: 700 });
    acknowledge(bbr, now, 1950, { deliveryRate: 700, delivered: 30_000 });
    lose(bbr, now, 20);
    bbr.enterRecovery();
    bbr.undo(now);
    acknowledge(bbr, now, 2000, { deliveryRate: 700, delivered: 30_000 });
    expect(bbr.pacingRate).toBeCloseTo(990, 6);
  });

  it('returns to the probe that it ended, even in a round with a real loss', () => {
    const [bbr, now] = steady();
    up(bbr, now);
    lose(bbr, now, 1);
    bbr.enterRecovery();
    bbr.exitRecovery();
    now.lost += 4000;
    bbr.lost(transmission({ inflight: 60_000, lost: 0 }), now, 5000);
    bbr.enterRecovery();
    expect(bbr.phase).toBe('ProbeBW_DOWN');
    bbr.undo(now);
    expect(bbr.phase).toBe('ProbeBW_REFILL');
    acknowledge(bbr, now, 5001, { priorDelivered: 0 });
    expect(bbr.cwnd).toBeGreaterThan(80_000);
  });

  it('does not change a ProbeRTT or a probe that runs again', () => {
    for (const phase of ['ProbeRTT', 'ProbeBW_UP']) {
      const [bbr, now] = steady();
      up(bbr, now);
      lose(bbr, now, 6);
      bbr.enterRecovery();
      expect(bbr.phase).toBe('ProbeBW_DOWN');
      if (phase === 'ProbeRTT') acknowledge(bbr, now, 9000, { rtt: 60 });
      else up(bbr, now);
      expect(bbr.phase).toBe(phase);
      bbr.undo(now);
      expect(bbr.phase).toBe(phase);
    }
  });
});
