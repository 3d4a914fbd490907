import { RtoEstimator } from '../../../../src/netstack/tcp/send/rto.js';

it('begins with 1 s (RFC 6298 2.1)', () => {
  expect(new RtoEstimator().rto).toBe(1000);
});

it('computes SRTT, RTTVAR and RTO as in RFC 6298 2.2 and 2.3 (MUST-18, RFC 6298 2.2, RFC 6298 2.3)', () => {
  const rto = new RtoEstimator();
  rto.sample(400);
  expect([rto.srtt, rto.rttvar, rto.rto]).toEqual([400, 200, 1200]);
  rto.sample(800);
  // RTTVAR = 3/4 * 200 + 1/4 * |400 - 800|; SRTT = 7/8 * 400 + 1/8 * 800.
  expect([rto.srtt, rto.rttvar, rto.rto]).toEqual([450, 250, 1450]);
});

it('keeps the variance term at or above 200 ms (RFC 6298 2.4, RFC 6298 4)', () => {
  const rto = new RtoEstimator();
  for (let count = 0; count < 50; count++) rto.sample(10);
  expect(rto.rto).toBeCloseTo(210, 5);
});

it('doubles up to 60 s, until a sample resets it (MUST-19, RFC 6298 2.5, tcp_retransmits)', () => {
  const rto = new RtoEstimator();
  const values = Array.from({ length: 8 }, () => {
    rto.backOff();
    return rto.rto;
  });
  expect(values).toEqual([2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  rto.sample(100);
  expect([rto.rto, rto.backoff]).toEqual([300, 0]);
});

it('reduces the backoff by one step on an ambiguous ACK', () => {
  const rto = new RtoEstimator();
  rto.backOff();
  rto.backOff();
  rto.ease();
  expect(rto.rto).toBe(2000);
  rto.ease();
  rto.ease();
  expect(rto.rto).toBe(1000);
});

it('starts data with 3 s after a lost SYN, unless a sample exists', () => {
  const rto = new RtoEstimator();
  rto.backOff();
  rto.handshakeRetransmitted();
  expect(rto.rto).toBe(3000);
  rto.sample(100);
  rto.handshakeRetransmitted();
  expect(rto.rto).toBe(300);
});
