import { LatestDelivery } from '../../../../../src/netstack/tcp/congestion/bbr/latest-delivery.js';
import { sample, state } from '../samples.js';

it('keeps the maximum of a round, and starts the next round with the last sample (draft-ietf-ccwg-bbr 5.5.10.3)', () => {
  const latest = new LatestDelivery();
  latest.update(sample({ deliveryRate: 5, delivered: 9000, priorDelivered: 0 }), 1000);
  latest.advance(sample({ deliveryRate: 5, delivered: 9000 }));
  latest.update(sample({ deliveryRate: 7, delivered: 8000, priorDelivered: 500 }), 2000);
  latest.advance(sample({ deliveryRate: 7, delivered: 8000 }));
  expect([latest.bandwidth, latest.inflight]).toEqual([7, 9000]);
  latest.update(sample({ deliveryRate: 6, delivered: 7000, priorDelivered: 1000 }), 3000);
  expect([latest.isRoundStart, latest.bandwidth]).toEqual([true, 7]);
  latest.advance(sample({ deliveryRate: 6, delivered: 7000 }));
  expect([latest.bandwidth, latest.inflight]).toEqual([6, 7000]);
  latest.reset();
  expect([latest.bandwidth, latest.inflight, latest.hasLoss]).toEqual([0, 0, false]);
});

it('begins a round at the first loss, and does not count that loss', () => {
  const latest = new LatestDelivery();
  latest.update(sample({ priorDelivered: 0 }), 1000);
  expect(latest.noteLoss(state({ delivered: 50_000, lost: 1000 }))).toBe(true);
  expect(latest.noteLoss(state({ delivered: 51_000, lost: 2000 }))).toBe(false);
  latest.update(sample({ priorDelivered: 49_000 }), 60_000);
  expect(latest.isRoundStart).toBe(false);
  latest.update(sample({ priorDelivered: 50_000 }), 150_000);
  expect(latest.isRoundStart).toBe(true);
  // Of 100 segments, 2 plus a margin for chance: 4.8.
  expect(latest.isLossTooHigh(state({ delivered: 145_000, lost: 5000 }))).toBe(false);
  expect(latest.isLossTooHigh(state({ delivered: 145_000, lost: 6000 }))).toBe(true);
});
