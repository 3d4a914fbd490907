import { state } from '../samples.js';
import { acknowledge, fresh, lose, steady } from './single-acks.js';

describe('the window in Startup', () => {
  it('grows by what is delivered until that is an initial window, whatever the model says', () => {
    const bbr = fresh();
    const now = state({ srtt: 100 });
    for (let ack = 0; ack < 12; ack++) {
      const low = { rtt: 1, deliveryRate: 1, delivered: 1000 };
      acknowledge(bbr, now, 1 + ack, { ...low, priorDelivered: 0 });
    }
    // 10 segments and the first 9 that were delivered.
    expect(bbr.cwnd).toBe(19_000);
  });

  it('remembers one round of aggregation', () => {
    const bbr = fresh();
    const now = state({ srtt: 40, delivered: 50_000 });
    const limited = { isAppLimited: true, newlyDelivered: 20_000 };
    acknowledge(bbr, now, 40, limited);
    acknowledge(bbr, now, 80, { ...limited, newlyDelivered: 30_000 });
    for (let round = 3; round < 9; round++) acknowledge(bbr, now, 40 * round, limited);
    expect(bbr.phase).toBe('Startup');
    // Two bandwidth-delay products, and 20 segments at once: not the 30 of a round before.
    expect(bbr.cwnd).toBe(100_000);
  });

  it('is bounded by what was delivered when losses end it', () => {
    const bbr = fresh();
    const now = state({ srtt: 40, inflight: 90_000 });
    for (let ack = 0; ack < 10; ack++)
      acknowledge(bbr, now, 40, {
        newlyDelivered: 20_000,
        delivered: 10_000,
        ...(ack > 0 && { priorDelivered: 0 }),
      });
    lose(bbr, now, 1);
    bbr.enterRecovery();
    const lossy = { delivered: 10_000, newlyLost: 1000, lost: 20_000, inflight: 60_000 };
    for (let ack = 0; ack < 7; ack++) acknowledge(bbr, now, 80, { ...lossy, priorDelivered: 0 });
    acknowledge(bbr, now, 120, lossy);
    now.inflight = 30_000;
    acknowledge(bbr, now, 121, {
      delivered: 10_000,
      priorDelivered: 0,
      lost: 20_000,
      inflight: 60_000,
    });
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
    // 0.85 of a bandwidth-delay product: that is more than any sample delivered.
    expect(bbr.cwnd).toBeCloseTo(0.85 * 40_000, 6);
  });
});

describe('after a timeout', () => {
  it('has one segment in flight, then what is delivered, and its window when all is repaired', () => {
    const [bbr, now] = steady();
    const { cwnd } = bbr;
    bbr.timedOut();
    expect(bbr.cwnd).toBe(1000);
    now.inflight = 1000;
    now.isRecovering = true;
    acknowledge(bbr, now, 1000, { priorDelivered: 0 });
    expect(bbr.cwnd).toBe(4000);
    acknowledge(bbr, now, 1001, { priorDelivered: 0, newlyDelivered: 3000 });
    expect(bbr.cwnd).toBe(7000);
    bbr.exitRecovery();
    expect(bbr.cwnd).toBe(cwnd);
  });
});

it('remembers the window from before a repair also when a timeout follows within it', () => {
  const [bbr, now] = steady();
  const { cwnd } = bbr;
  bbr.timedOut();
  acknowledge(bbr, now, 1000, { priorDelivered: 0 });
  bbr.timedOut();
  bbr.exitRecovery();
  expect(bbr.cwnd).toBe(cwnd);
});
