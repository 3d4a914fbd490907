import { AckAggregation } from '../../../../../src/netstack/tcp/congestion/bbr/ack-aggregation.js';

it('is the data delivered beyond the rate of the path (draft-ietf-ccwg-bbr 5.5.9)', () => {
  const aggregation = new AckAggregation(0);
  // 100 bytes a ms: every 10 ms, one ACK for 1000 bytes.
  for (let at = 10; at <= 100; at += 10) aggregation.update(1000, 100, 50_000, 1, at);
  expect(aggregation.extraAcked).toBe(1000);
  // Three ACKs at once: 3000 bytes with none expected.
  for (let ack = 0; ack < 3; ack++) aggregation.update(1000, 100, 50_000, 2, 110);
  expect(aggregation.extraAcked).toBe(3000);
  aggregation.forget();
  expect(aggregation.extraAcked).toBe(0);
});

it('restarts with an ACK that arrives exactly at the rate', () => {
  const aggregation = new AckAggregation(0);
  aggregation.update(1000, 100, 50_000, 1, 10);
  aggregation.update(1000, 100, 50_000, 1, 20);
  // 200 bytes are expected since the last ACK, not 2200 since the one before.
  aggregation.update(1000, 200, 50_000, 1, 21);
  expect(aggregation.extraAcked).toBe(1800);
});
