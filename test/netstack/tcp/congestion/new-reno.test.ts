import { NewReno } from '../../../../src/netstack/tcp/congestion/new-reno.js';

it.each([
  [500, 5000],
  [1460, 14_600],
  [4000, 14_600],
  [8960, 17_920],
])('begins with the window of RFC 6928 for an MSS of %d', (mss, window) => {
  expect(new NewReno(mss).cwnd).toBe(window);
});

it('grows by what is acknowledged in slow start, at most eight segments', () => {
  const reno = new NewReno(1000);
  reno.acknowledged(2000, 10_000);
  expect(reno.cwnd).toBe(12_000);
  reno.acknowledged(12_000, 12_000);
  expect(reno.cwnd).toBe(20_000);
});

it('does not grow while the window is not used', () => {
  const reno = new NewReno(1000);
  reno.acknowledged(2000, 4999);
  expect(reno.cwnd).toBe(10_000);
});

it('grows by one segment for each window in congestion avoidance', () => {
  const reno = new NewReno(1000);
  reno.enterRecovery(10_000);
  reno.exitRecovery(10_000);
  expect([reno.cwnd, reno.ssthresh]).toEqual([5000, 5000]);
  for (let count = 0; count < 4; count++) reno.acknowledged(1000, 5000);
  expect(reno.cwnd).toBe(5000);
  reno.acknowledged(1000, 5000);
  expect(reno.cwnd).toBe(6000);
});

it('inflates and deflates in recovery (RFC 5681 3.2, RFC 6582 3.2)', () => {
  const reno = new NewReno(1000);
  reno.enterRecovery(10_000);
  expect(reno.cwnd).toBe(8000);
  reno.duplicateInRecovery();
  expect(reno.cwnd).toBe(9000);
  reno.partiallyAcknowledged(3000);
  expect(reno.cwnd).toBe(7000);
  reno.partiallyAcknowledged(500);
  expect(reno.cwnd).toBe(6500);
  reno.exitRecovery(1000);
  expect(reno.cwnd).toBe(2000);
});

it('falls to one segment after a timeout and counts one an ACK until ssthresh', () => {
  const reno = new NewReno(1000);
  reno.timedOut(10_000, true);
  expect([reno.cwnd, reno.ssthresh]).toEqual([1000, 5000]);
  reno.timedOut(1000, false);
  expect(reno.ssthresh).toBe(5000);
  reno.acknowledged(3000, 3000);
  expect(reno.cwnd).toBe(2000);
});

it('never sets ssthresh below two segments', () => {
  const reno = new NewReno(1000);
  reno.timedOut(1000, true);
  expect(reno.ssthresh).toBe(2000);
});

it('falls back to the initial window after an idle time, never rises', () => {
  const reno = new NewReno(1000);
  reno.acknowledged(8000, 10_000);
  reno.restartAfterIdle();
  expect(reno.cwnd).toBe(10_000);
  reno.timedOut(10_000, true);
  reno.restartAfterIdle();
  expect(reno.cwnd).toBe(1000);
});
