/** The examples of draft-ietf-ccwg-bbr 10, on a path in virtual time. */
import { Bbr } from '../../../src/netstack/tcp/congestion/bbr/bbr.js';
import {
  type Flow,
  MSS,
  Path,
  type PathOptions,
  seededRandom,
} from '../tcp/congestion/bottleneck.js';

/** 20 Mbit/s and 40 ms: 100,000 bytes. */
const RATE = 2500;
const BDP = RATE * 40;

interface Run {
  path: Path;
  flow: Flow;
  bbr: Bbr;
}

function start(options: Partial<PathOptions> = {}): Run {
  const path = new Path({ rate: RATE, roundTrip: 40, buffer: 4 * BDP, ...options });
  const bbr = new Bbr({ mss: MSS, random: seededRandom(3), now: 0 });
  return { path, bbr, flow: path.add(bbr) };
}

/** Runs until the phase changes, and returns the new phase. */
function nextPhase({ path, bbr }: Run, within: number): string {
  const before = bbr.phase;
  const end = path.now + within;
  while (bbr.phase === before && path.now < end) path.run(path.now + 1);
  return bbr.phase;
}

function runUntil(run: Run, phase: string, within: number): void {
  const end = run.path.now + within;
  while (run.bbr.phase !== phase && run.path.now < end) nextPhase(run, end - run.path.now);
  expect(run.bbr.phase).toBe(phase);
}

describe('Startup', () => {
  it('ends when the rate stops growing, at the rate of the path (draft-ietf-ccwg-bbr 5.3.1)', () => {
    const run = start();
    expect(nextPhase(run, 2000)).toBe('Drain');
    // DrainPacingGain 0.5, less 1 %.
    expect(run.bbr.pacingRate / (0.5 * 0.99 * RATE)).toBeCloseTo(1, 1.7);
    expect(nextPhase(run, 200)).toMatch(/^ProbeBW/);
    expect(run.flow.inflight).toBeLessThanOrEqual(1.05 * BDP);
  });

  it('ends on loss if the queue is short', () => {
    const run = start({ buffer: 0.1 * BDP });
    expect(nextPhase(run, 2000)).toBe('Drain');
    expect(run.flow.lost).toBeGreaterThan(6 * MSS);
    expect(run.path.now).toBeLessThan(500);
  });
});

describe('ProbeBW', () => {
  it('cycles through its phases (draft-ietf-ccwg-bbr 5.3.3)', () => {
    const run = start();
    runUntil(run, 'ProbeBW_CRUISE', 2000);
    const phases = Array.from({ length: 4 }, () => nextPhase(run, 4000));
    expect(phases).toEqual(['ProbeBW_REFILL', 'ProbeBW_UP', 'ProbeBW_DOWN', 'ProbeBW_CRUISE']);
  });

  it('keeps four segments in flight even if the path can hold less than one', () => {
    const run = start({ rate: 10, roundTrip: 20, buffer: 20_000 });
    run.path.run(20_000);
    expect(run.bbr.cwnd).toBeGreaterThanOrEqual(4 * MSS);
    expect(run.bbr.pacingRate).toBeLessThan(14);
    const { delivered } = run.flow;
    run.path.run(30_000);
    expect((run.flow.delivered - delivered) / 100_000).toBeGreaterThan(0.95);
  });
});

describe('ProbeRTT', () => {
  it('begins after 5 s without a shorter round trip, halves the data in flight, and ends', () => {
    const run = start();
    run.path.run(1000);
    run.path.roundTrip = 42;
    runUntil(run, 'ProbeRTT', 8000);
    const began = run.path.now;
    expect(began).toBeGreaterThan(5000);
    const { cwnd } = run.bbr;
    expect(cwnd).toBeLessThan(0.51 * BDP);
    expect(nextPhase(run, 1000)).toBe('ProbeBW_CRUISE');
    expect(run.path.now - began).toBeGreaterThanOrEqual(200);
    expect(run.path.now - began).toBeLessThan(350);
    expect(run.bbr.cwnd).toBeGreaterThan(BDP);
  });
});
