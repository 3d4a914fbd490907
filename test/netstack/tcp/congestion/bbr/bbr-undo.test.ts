import { state, transmission } from '../samples.js';
import { acknowledge, fresh, lose, steady, up } from './single-acks.js';

describe('a repair that was not needed', () => {
  it('gives the window back', () => {
    const [bbr, now] = steady();
    const { cwnd } = bbr;
    bbr.timedOut();
    bbr.undo(now);
    expect(bbr.cwnd).toBe(cwnd);
  });

  it('leads back to Startup', () => {
    const bbr = fresh();
    const now = state({ srtt: 40, inflight: 40_000 });
    acknowledge(bbr, now, 40);
    const lossy = { newlyLost: 1000, lost: 20_000, inflight: 40_000 };
    for (let ack = 0; ack < 7; ack++) {
      now.lost += 1000;
      bbr.lost(transmission({ inflight: 40_000 }), now, 80);
      if (ack === 0) bbr.enterRecovery();
      acknowledge(bbr, now, 80, { ...lossy, priorDelivered: 0 });
    }
    expect(bbr.phase).toBe('Startup');
    acknowledge(bbr, now, 120, lossy);
    expect(bbr.phase).not.toBe('Startup');
    bbr.undo(now);
    expect(bbr.phase).toBe('Startup');
  });

  it('leaves no bound of its losses', () => {
    const [bbr, now] = steady();
    lose(bbr, now, 20);
    bbr.enterRecovery();
    bbr.undo(now);
    acknowledge(bbr, now, 2000, { deliveryRate: 700 });
    expect(bbr.pacingRate).toBeCloseTo(990, 6);
  });

  it('takes back the bound that a second repair found, not the first', () => {
    const [bbr, now] = steady();
    up(bbr, now);
    lose(bbr, now, 6);
    bbr.enterRecovery();
    bbr.exitRecovery();
    now.inflight = 30_000;
    acknowledge(bbr, now, 4000, { lost: 6000, inflight: 40_000 });
    const { cwnd } = bbr;
    lose(bbr, now, 1);
    bbr.enterRecovery();
    bbr.undo(now);
    acknowledge(bbr, now, 4001, { priorDelivered: 0, lost: 6000, inflight: 40_000 });
    expect(bbr.cwnd).toBe(cwnd);
  });

  it('leads back to the probe that it ended, also in the round of a loss that was real', () => {
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
});
