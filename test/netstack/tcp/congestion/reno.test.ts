import { Reno } from '../../../../src/netstack/tcp/congestion/reno.js';

it('halves the data in flight, but not below two segments (RFC 5681 equation 4, RFC 5681 3.1)', () => {
  const reno = new Reno();
  expect(reno.reduced(10_000, 8000, 1000)).toBe(4000);
  expect(reno.reduced(10_000, 12_000, 1000)).toBe(5000);
  expect(reno.reduced(3000, 3000, 1000)).toBe(2000);
});

it('grows by one segment for each acknowledged window', () => {
  const reno = new Reno();
  let cwnd = 5000;
  for (let ack = 0; ack < 4; ack++) cwnd = reno.grown(cwnd, 1000, 1000);
  expect(cwnd).toBe(5000);
  cwnd = reno.grown(cwnd, 1000, 1000);
  expect(cwnd).toBe(6000);
  cwnd = reno.grown(cwnd, 5999, 1000);
  expect(cwnd).toBe(6000);
  expect(reno.grown(cwnd, 1, 1000)).toBe(7000);
});

it.each([
  ['a reduction', (reno: Reno) => reno.reduced(10_000, 10_000, 1000)],
  ['a timeout', (reno: Reno) => reno.timedOut()],
  ['an undo', (reno: Reno) => reno.restore()],
])('restarts the count after %s', (_what, happens) => {
  const reno = new Reno();
  reno.grown(5000, 4000, 1000);
  happens(reno);
  expect(reno.grown(5000, 1000, 1000)).toBe(5000);
});
