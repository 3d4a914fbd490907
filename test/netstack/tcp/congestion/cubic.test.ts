import { Cubic } from '../../../../src/netstack/tcp/congestion/cubic.js';

const MSS = 1000;

/**
 * Acknowledges a whole window every `rtt` ms, segment by segment; returns the window after each
 * round.
 */
function rounds(cubic: Cubic, cwnd: number, rtt: number, count: number, start = 0): number[] {
  const windows: number[] = [];
  let window = cwnd;
  for (let round = 0; round < count; round++) {
    const segments = Math.floor(window / MSS);
    for (let ack = 0; ack < segments; ack++) {
      window = cubic.grown(window, MSS, MSS, rtt, start + rtt * (round + ack / segments));
    }
    windows.push(window / MSS);
  }
  return windows;
}

it('keeps seven tenths, but no less than two segments (RFC 9438 4.6)', () => {
  expect(new Cubic().reduced(100_000, 5000, MSS)).toBeCloseTo(70_000, 6);
  expect(new Cubic().reduced(2000, 2000, MSS)).toBe(2000);
});

it('follows the curve back to W_max and beyond (RFC 9438 4.4, 4.5)', () => {
  const cubic = new Cubic();
  const cwnd = cubic.reduced(1_000_000, 0, MSS);
  const windows = rounds(cubic, cwnd, 100, 182);
  // K = cbrt(300 / 0.4) = 9.086 s.
  const at = (seconds: number): number => 0.4 * (seconds - 9.0856) ** 3 + 1000;
  for (const round of [20, 50, 91, 120, 181]) {
    const expected = at((round + 1) / 10);
    expect(Math.abs(windows[round]! - expected)).toBeLessThan(0.015 * expected);
  }
  expect(windows[91]).toBeCloseTo(1000, 0);
});

it('aims one round trip ahead: cwnd + (W_cubic(t + RTT) - cwnd) / cwnd for each segment', () => {
  const cubic = new Cubic();
  const cwnd = cubic.reduced(1_000_000, 0, MSS);
  cubic.grown(cwnd, 0, MSS, 100, 5000);
  // t = 2 s, RTT = 0.5 s, K = cbrt(750).
  const target = 0.4 * (2.5 - Math.cbrt(750)) ** 3 + 1000;
  const grown = cubic.grown(cwnd, MSS, MSS, 500, 7000);
  expect((grown - cwnd) / MSS).toBeCloseTo((target - 700) / 700, 9);
});

it('grows as Reno would if that is faster (RFC 9438 4.3)', () => {
  const cubic = new Cubic();
  const cwnd = cubic.reduced(20_000, 0, MSS);
  const windows = rounds(cubic, cwnd, 1, 30);
  // alpha = 3 * 0.3 / 1.7 segments a round, up to cwnd_prior; then one segment.
  expect(windows[9]! - 14).toBeCloseTo(10 * 0.529, 0);
  expect(windows[29]! - windows[19]!).toBeGreaterThan(9);
});

it('never aims above 1.5 times the window (RFC 9438 4.2)', () => {
  const cubic = new Cubic();
  const cwnd = cubic.grown(100_000, 100_000, MSS, 100, 0);
  expect(cubic.grown(cwnd, cwnd, MSS, 100, 1_000_000)).toBeCloseTo(1.5 * cwnd, 6);
});

it('releases bandwidth when the maximum decreases: fast convergence (RFC 9438 4.7)', () => {
  const cubic = new Cubic();
  cubic.reduced(1_000_000, 0, MSS);
  const cwnd = cubic.reduced(800_000, 0, MSS);
  // W_max = 800 * 1.7 / 2 = 680; K = cbrt((680 - 560) / 0.4) = 6.69 s.
  const windows = rounds(cubic, cwnd, 100, 67);
  expect(windows[66]! / 680).toBeCloseTo(1, 2);
  expect(windows[66]! - windows[60]!).toBeLessThan(1);
});

it('starts its curve at the maximum after a timeout, with K = 0 (RFC 9438 4.8)', () => {
  const cubic = new Cubic();
  cubic.reduced(1_000_000, 0, MSS);
  cubic.timedOut();
  const windows = rounds(cubic, 700_000, 100, 50);
  expect(windows[49]! - 700).toBeCloseTo(0.4 * 5 ** 3, -1);
});

it('excludes time in which the window could not grow (RFC 9438 5.8)', () => {
  const cubic = new Cubic();
  const cwnd = cubic.reduced(1_000_000, 0, MSS);
  const first = rounds(cubic, cwnd, 100, 10);
  cubic.paused(60_000);
  const next = rounds(cubic, first[9]! * MSS, 100, 1, 61_000);
  expect(next[0]! - first[9]!).toBeLessThan(first[9]! - first[8]!);
  expect(next[0]!).toBeGreaterThan(first[9]!);
});

it('returns to its curve after a spurious reduction (RFC 9438 4.9)', () => {
  const undisturbed = new Cubic();
  const cubic = new Cubic();
  const cwnd = undisturbed.reduced(1_000_000, 0, MSS);
  cubic.reduced(1_000_000, 0, MSS);
  const [first] = rounds(undisturbed, cwnd, 100, 1);
  rounds(cubic, cwnd, 100, 1);
  cubic.save();
  cubic.reduced(first! * MSS, 0, MSS);
  cubic.grown(500_000, MSS, MSS, 100, 150);
  cubic.restore();
  expect(rounds(cubic, first! * MSS, 100, 5, 100)).toEqual(
    rounds(undisturbed, first! * MSS, 100, 5, 100),
  );
});
