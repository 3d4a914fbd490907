/** The behavior of each algorithm in a model of one bottleneck. */
import type { CongestionAlgorithm } from '../../../../src/netstack/tcp/congestion/congestion-control.js';
import { createCongestionControl } from '../../../../src/netstack/tcp/congestion/create.js';
import { atLength } from '../../../support/runner/tier.js';
import { type Flow, MSS, Path, type PathOptions, seededRandom } from './bottleneck.js';

/** Bytes a ms: 100 Mbit/s, or 20 in a short run. */
const RATE = atLength({ short: 2_500, long: 12_500 });
/** 20 Mbit/s. */
const SLOW = 2_500;

function path(roundTrip: number, changes: Partial<PathOptions> = {}): Path {
  return new Path({ rate: RATE, roundTrip, buffer: RATE * roundTrip, ...changes });
}

function add(to: Path, algorithm: CongestionAlgorithm, seed = 1): Flow {
  const random = seededRandom(seed);
  return to.add(createCongestionControl(algorithm, { mss: MSS, random, now: to.now }), to.now);
}

/** The share of the path that each flow has in the next `duration` ms. */
function shares(of: Path, duration: number): number[] {
  const before = of.flows.map((flow) => flow.delivered);
  of.run(of.now + duration);
  return of.flows.map((flow, index) => (flow.delivered - before[index]!) / duration / of.rate);
}

const PATHS: [roundTrip: number, loss: number][] = [
  [20, 0.01],
  [50, 0.001],
  [100, 0],
];

describe('BBR', () => {
  it.each(PATHS)(
    'uses a path of %d ms with a loss of %d, and keeps its queue short',
    (roundTrip, loss) => {
      const model = path(roundTrip, { loss, buffer: 4 * RATE * roundTrip, seed: 7 });
      add(model, 'bbr');
      model.run(2000);
      model.largestQueue = 0;
      expect(shares(model, 5000)[0]).toBeGreaterThan(0.93);
      expect(model.largestQueue).toBeLessThan(RATE * roundTrip);
    },
  );

  it('fills a path within ten round trips of Startup', () => {
    const model = path(50);
    add(model, 'bbr');
    model.run(600);
    expect(shares(model, 1000)[0]).toBeGreaterThan(0.95);
  });

  it('fills a path with a queue of a quarter of the bandwidth-delay product', () => {
    const model = path(40, { buffer: RATE * 10 });
    const flow = add(model, 'bbr');
    model.run(2000);
    const lost = flow.lost;
    expect(shares(model, 5000)[0]).toBeGreaterThan(0.93);
    expect((flow.lost - lost) / (5000 * RATE)).toBeLessThan(0.01);
  });

  it('fills a path on which ACKs arrive in batches', () => {
    const model = path(20, { ackInterval: 20, buffer: RATE * 40 });
    add(model, 'bbr');
    model.run(2000);
    expect(shares(model, 5000)[0]).toBeGreaterThan(0.93);
  });

  it('finds ten times the bandwidth within a few seconds', () => {
    const model = path(40, { rate: RATE / 10 });
    add(model, 'bbr');
    model.run(4000);
    model.rate = RATE;
    model.run(7500);
    expect(shares(model, 3000)[0]).toBeGreaterThan(0.9);
  });

  it('follows a drop in bandwidth, and then loses little', () => {
    const model = path(40, { buffer: RATE * 20 });
    const flow = add(model, 'bbr');
    model.run(4000);
    model.rate = RATE / 10;
    model.run(11_000);
    const lost = flow.lost;
    expect(shares(model, 5000)[0]).toBeGreaterThan(0.93);
    expect((flow.lost - lost) / (5000 * model.rate)).toBeLessThan(0.06);
  });

  it('shares a path with another BBR', () => {
    const model = path(20);
    add(model, 'bbr', 1);
    add(model, 'bbr', 2);
    model.run(4000);
    const [first, second] = shares(model, 8000);
    expect(first! + second!).toBeGreaterThan(0.93);
    expect(Math.min(first!, second!)).toBeGreaterThan(0.3);
  });

  it.each<[CongestionAlgorithm, number]>([
    ['cubic', 1],
    ['cubic', 4],
    ['reno', 2],
  ])(
    'and %s leave each other a fair share, with %d bandwidth-delay products of queue',
    (other, of) => {
      const model = path(20, { rate: RATE / 2, buffer: of * (RATE / 2) * 20 });
      add(model, 'bbr');
      add(model, other);
      model.run(4000);
      const [bbr, rest] = shares(model, 12_000);
      expect(bbr! + rest!).toBeGreaterThan(0.95);
      expect(bbr).toBeGreaterThan(0.15);
      expect(rest).toBeGreaterThan(0.15);
    },
  );
});

describe.each<CongestionAlgorithm>(['cubic', 'reno'])('%s', (algorithm) => {
  it.each([20, 100])('uses a path of %d ms without random loss', (roundTrip) => {
    const model = path(roundTrip, { buffer: RATE * roundTrip });
    add(model, algorithm);
    model.run(3000);
    expect(shares(model, 5000)[0]).toBeGreaterThan(0.9);
  });

  it('leaves slow start because of the queue alone, if no queue overflows (RFC 9406)', () => {
    const model = path(50, { rate: SLOW, buffer: Infinity });
    const flow = add(model, algorithm);
    model.run(5000);
    const { cwnd, ssthresh } = flow.congestion;
    expect(flow.lost).toBe(0);
    expect(ssthresh).toBeLessThan(12 * model.rate * 50);
    expect(cwnd).toBeLessThan(1.2 * ssthresh);
  });

  it('shares a path with another flow of its kind', () => {
    const model = path(20, { rate: SLOW, buffer: SLOW * 20 });
    add(model, algorithm);
    add(model, algorithm);
    model.run(5000);
    const [first, second] = shares(model, 15_000);
    expect(Math.min(first!, second!)).toBeGreaterThan(0.3);
    expect(first! + second!).toBeGreaterThan(0.95);
  });
});

/** The mean window, in segments, at a random loss of `loss` on a path that is never full. */
function meanWindow(algorithm: CongestionAlgorithm, roundTrip: number, loss: number): number {
  const model = path(roundTrip, { rate: 10 * RATE, loss, seed: 3 });
  add(model, algorithm);
  model.run(10_000);
  const [share] = shares(model, atLength({ short: 30_000, long: 60_000 }));
  return (share! * model.rate * roundTrip) / MSS;
}

it('matches Reno’s response function (RFC 5681): 1.22 / sqrt(loss) segments', () => {
  const expected = Math.sqrt(1.5 / 0.001);
  const window = meanWindow('reno', 100, 0.001);
  expect(window / expected).toBeGreaterThan(0.8);
  expect(window / expected).toBeLessThan(1.5);
});

// RFC 9438 5.1: the larger of Reno's window and 1.054 * (round trip / loss) ^ 0.75 segments.
it.each([
  [100, 0.001],
  [200, 0.0004],
])('matches CUBIC’s response function at %d ms and a loss of %d', (roundTrip, loss) => {
  const cubic = 1.054 * (roundTrip / 1000 / loss) ** 0.75;
  const expected = Math.max(cubic, Math.sqrt(1.5 / loss));
  const window = meanWindow('cubic', roundTrip, loss);
  expect(window / expected).toBeGreaterThan(0.7);
  expect(window / expected).toBeLessThan(2);
});
