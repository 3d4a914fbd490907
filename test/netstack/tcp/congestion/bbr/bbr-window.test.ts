import { Bbr } from '../../../../../src/netstack/tcp/congestion/bbr/bbr.js';
import { state } from '../samples.js';
import { acknowledge, fresh, lose, steady } from './single-acks.js';

describe('the window in Startup', () => {
  it('grows by the delivered data until that is an initial window, whatever the model says', () => {
    const bbr = fresh();
    const now = state({ srtt: 100 });
    for (let ack = 0; ack < 12; ack++) {
      const low = { rtt: 1, deliveryRate: 1, delivered: 1000 };
      acknowledge(bbr, now, 1 + ack, { ...low, priorDelivered: 0 });
    }
    // The initial 10 segments plus the first 9 delivered.
    expect(bbr.cwnd).toBe(19_000);
  });

  it('includes one round of aggregation', () => {
    const bbr = fresh();
    const now = state({ srtt: 40, delivered: 50_000 });
    const limited = { isAppLimited: true, newlyDelivered: 20_000 };
    acknowledge(bbr, now, 40, limited);
    acknowledge(bbr, now, 80, { ...limited, newlyDelivered: 30_000 });
    for (let round = 3; round < 9; round++) acknowledge(bbr, now, 40 * round, limited);
    expect(bbr.phase).toBe('Startup');
    // Two bandwidth-delay products plus 20 segments of aggregation, not the 30 of an earlier round.
    expect(bbr.cwnd).toBe(100_000);
  });

  it('is limited to the delivered data when losses end Startup', () => {
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
    expect(bbr.phase).toBe('Drain');
    // Only the bandwidth-delay product limits Drain.
    expect(bbr.cwnd).toBeGreaterThan(80_000);
    now.inflight = 30_000;
    acknowledge(bbr, now, 121, {
      delivered: 10_000,
      priorDelivered: 0,
      lost: 20_000,
      inflight: 60_000,
    });
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
    // 0.85 of a bandwidth-delay product is more than any sample delivered.
    expect(bbr.cwnd).toBeCloseTo(0.85 * 40_000, 6);
  });
});

it('remembers the window from before a recovery even if a timeout follows during it', () => {
  const [bbr, now] = steady();
  const { cwnd } = bbr;
  bbr.timedOut();
  acknowledge(bbr, now, 1000, { priorDelivered: 0 });
  bbr.timedOut();
  bbr.exitRecovery();
  expect(bbr.cwnd).toBe(cwnd);
});

describe('after a recovery', () => {
  it.each(['exitRecovery', 'undo'] as const)(
    'restores the window from before it, not from before an earlier one that ended by %s',
    (end) => {
      const [bbr, now] = steady();
      bbr.enterRecovery();
      bbr[end](now);
      acknowledge(bbr, now, 500, { rtt: 20, priorDelivered: 0 });
      const { cwnd } = bbr;
      bbr.timedOut();
      bbr.exitRecovery();
      expect(bbr.cwnd).toBe(cwnd);
    },
  );

  it('restores the window at the first loss of the round (draft-ietf-ccwg-bbr 5.5.10.2)', () => {
    const [bbr, now] = steady();
    const { cwnd } = bbr;
    lose(bbr, now, 1);
    bbr.enterRecovery();
    const sameRound = { priorDelivered: 0, deliveryRate: 2000 };
    acknowledge(bbr, now, 500, { ...sameRound, newlyDelivered: 50_000 });
    expect(bbr.cwnd).toBeGreaterThan(cwnd);
    lose(bbr, now, 1);
    acknowledge(bbr, now, 501, { ...sameRound, rtt: 5 });
    expect(bbr.cwnd).toBeLessThan(cwnd);
    bbr.exitRecovery();
    expect(bbr.cwnd).toBe(cwnd);
  });
});

it('accepts another MSS, and the matching window before anything was sent', () => {
  const bbr = new Bbr({ mss: 536, random: () => 0, now: 0 });
  bbr.setMss(1400);
  expect(bbr.cwnd).toBe(14_000);
  acknowledge(bbr, state({ mss: 1400, srtt: 40 }), 40);
  const { cwnd } = bbr;
  bbr.setMss(536);
  expect(bbr.cwnd).toBe(cwnd);
});

it('has one segment in flight if the handshake was repeated (RFC 5681 3.1)', () => {
  const bbr = new Bbr({ mss: 1400, random: () => 0, now: 0 });
  expect([bbr.algorithm, bbr.cwnd]).toEqual(['bbr', 14_000]);
  bbr.handshakeRepeated();
  expect(bbr.cwnd).toBe(1400);
});
