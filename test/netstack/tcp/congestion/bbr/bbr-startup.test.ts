import { sample, state } from '../samples.js';
import { acknowledge, fresh } from './single-acks.js';

describe('Startup', () => {
  it('paces from the first round trip on by what is known of it', () => {
    const bbr = fresh();
    expect(bbr.pacingRate).toBeCloseTo(2.77 * 10_000, 6);
    bbr.acknowledged(sample({ priorDelivered: 0 }), state({ srtt: 100 }), 100);
    expect(bbr.pacingRate).toBeCloseTo(2.77 * 100, 6);
    expect(bbr.sendQuantum).toBe(2000);
  });

  it('paces no slower after a sample that the user limited', () => {
    const bbr = fresh();
    const now = state({ srtt: 40 });
    acknowledge(bbr, now, 40, { deliveryRate: 10, isAppLimited: true });
    expect(bbr.pacingRate).toBeCloseTo((2.77 * 10_000) / 40, 6);
  });

  it('goes on while the user limits it, and nothing is lost', () => {
    const bbr = fresh();
    let delivered = 0;
    for (let round = 0; round < 20; round++) {
      const each = {
        deliveryRate: 100,
        isAppLimited: true,
        newlyDelivered: 1000,
        priorDelivered: delivered,
      };
      delivered += 1000;
      bbr.acknowledged(sample(each), state({ delivered, srtt: 40 }), 40 * round);
    }
    expect(bbr.phase).toBe('Startup');
  });
});

describe('Drain', () => {
  it('is over after three rounds though there is still a queue (draft-ietf-ccwg-bbr 5.3.2)', () => {
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
});
