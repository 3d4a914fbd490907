import { state } from '../samples.js';
import { acknowledge, steady } from './single-acks.js';

describe('after an idle time', () => {
  it('paces at what the path carries (draft-ietf-ccwg-bbr 5.4)', () => {
    const [bbr, now] = steady();
    for (let round = 0; bbr.phase !== 'ProbeBW_UP' && round < 60; round++)
      acknowledge(bbr, now, 1000 + 40 * round);
    expect(bbr.pacingRate).toBeCloseTo(1.25 * 990, 6);
    bbr.restart(state({ isAppLimited: false }), 500, 300, 4000);
    expect(bbr.pacingRate).toBeCloseTo(1.25 * 990, 6);
    bbr.restart(state({ isAppLimited: true }), 500, 300, 4000);
    expect(bbr.pacingRate).toBeCloseTo(990, 6);
  });

  it('needs no ProbeRTT, since the queue was empty', () => {
    const [bbr, now] = steady();
    bbr.restart(state({ isAppLimited: true, delivered: now.delivered }), 9000, 300, 20_000);
    const later = 20_060;
    // A longer round trip than before: the old floor has expired.
    acknowledge(bbr, now, later, { rtt: 60 });
    expect(bbr.phase).not.toBe('ProbeRTT');
    const [other, otherNow] = steady();
    acknowledge(other, otherNow, later, { rtt: 60 });
    expect(other.phase).toBe('ProbeRTT');
  });
});
