/** The examples of draft-ietf-ccwg-bbr 10, and what the sender tells. */
import { Bbr } from '../../../../../src/netstack/tcp/congestion/bbr/bbr.js';
import type { AckSample } from '../../../../../src/netstack/tcp/congestion/congestion-control.js';
import { type Flow, MSS, Path, type PathOptions, seededRandom } from '../bottleneck.js';
import { sample, type State, state, transmission } from '../samples.js';

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

/** Runs on until the phase is another one; that one. */
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
  it('ends when the rate does not grow, which is then that of the path (draft-ietf-ccwg-bbr 5.3.1)', () => {
    const run = start();
    expect(nextPhase(run, 2000)).toBe('Drain');
    // DrainPacingGain 0.5, less 1 %.
    expect(run.bbr.pacingRate / (0.5 * 0.99 * RATE)).toBeCloseTo(1, 1.7);
    expect(nextPhase(run, 200)).toMatch(/^ProbeBW/);
    expect(run.flow.inflight).toBeLessThanOrEqual(1.05 * BDP);
  });

  it('ends by loss where the queue is short', () => {
    const run = start({ buffer: 0.1 * BDP });
    expect(nextPhase(run, 2000)).toBe('Drain');
    expect(run.flow.lost).toBeGreaterThan(6 * MSS);
    expect(run.path.now).toBeLessThan(500);
  });

  it('paces from the first round trip on by what is known of it', () => {
    const bbr = new Bbr({ mss: 1000, random: () => 0, now: 0 });
    expect(bbr.pacingRate).toBeCloseTo(2.77 * 10_000, 6);
    bbr.acknowledged(sample({ priorDelivered: 0 }), state({ srtt: 100 }), 100);
    expect(bbr.pacingRate).toBeCloseTo(2.77 * 100, 6);
    expect(bbr.sendQuantum).toBe(2000);
  });

  it('goes on while the user limits it, and nothing is lost', () => {
    const bbr = new Bbr({ mss: 1000, random: () => 0, now: 0 });
    let delivered = 0;
    for (let round = 0; round < 20; round++) {
      const each = {
        deliveryRate: 100,
        isAppLimited: true,
        newlyDelivered: 1000,
        priorDelivered: delivered,
      };
      delivered += 1000;
      bbr.acknowledged(sample(each), state({ delivered, srtt: 40 }), 40 * round);
    }
    expect(bbr.phase).toBe('Startup');
  });
});

describe('ProbeBW', () => {
  it('cycles through its phases (draft-ietf-ccwg-bbr 5.3.3)', () => {
    const run = start();
    runUntil(run, 'ProbeBW_CRUISE', 2000);
    const phases = Array.from({ length: 4 }, () => nextPhase(run, 4000));
    expect(phases).toEqual(['ProbeBW_REFILL', 'ProbeBW_UP', 'ProbeBW_DOWN', 'ProbeBW_CRUISE']);
  });

  it.each([
    ['ProbeBW_DOWN', 0.9],
    ['ProbeBW_CRUISE', 1],
    ['ProbeBW_REFILL', 1],
    ['ProbeBW_UP', 1.25],
  ])('paces in %s by %d (draft-ietf-ccwg-bbr 5.3.3)', (phase, gain) => {
    const run = start();
    runUntil(run, phase, 5000);
    expect(run.bbr.pacingRate / (gain * 0.99 * RATE)).toBeCloseTo(1, 1.7);
  });

  it('keeps four segments in flight where less than one fits into the path', () => {
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
  it('comes when no shorter round trip was seen for 5 s, halves what is in flight, and goes', () => {
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

  it('comes not after an idle time, in which the queue was empty', () => {
    const [bbr, now] = steady();
    bbr.restart(state({ isAppLimited: true, delivered: now.delivered }), 9000, 300, 20_000);
    const later = 20_060;
    // A longer round trip than before: the old floor has expired.
    acknowledge(bbr, now, later, { rtt: 60 });
    expect(bbr.phase).not.toBe('ProbeRTT');
    const [other, otherNow] = steady();
    acknowledge(other, otherNow, later, { rtt: 60 });
    expect(other.phase).toBe('ProbeRTT');
  });

  it('leads back to Startup when the pipe was never full', () => {
    const bbr = new Bbr({ mss: 1000, random: () => 0, now: 0 });
    const now = state({ srtt: 40, inflight: 3000 });
    const limited = { isAppLimited: true, deliveryRate: 100 };
    acknowledge(bbr, now, 40, limited);
    acknowledge(bbr, now, 5100, { ...limited, rtt: 50 });
    expect(bbr.phase).toBe('ProbeRTT');
    for (let at = 5150; at <= 5350; at += 50) acknowledge(bbr, now, at, limited);
    expect(bbr.phase).toBe('Startup');
  });
});

/** An ACK of one segment that begins a round. */
function acknowledge(bbr: Bbr, now: State, at: number, changes: Partial<AckSample> = {}): void {
  const priorDelivered = now.delivered;
  now.delivered += 1000;
  const each = {
    deliveryRate: 1000,
    delivered: 40_000,
    newlyDelivered: 1000,
    rtt: 40,
    priorDelivered,
  };
  bbr.acknowledged(sample({ ...each, ...changes }), now, at);
}

/** In ProbeBW, at 1000 bytes a ms and 40 ms, with a window of 80 segments. */
function steady(): [Bbr, State] {
  const bbr = new Bbr({ mss: 1000, random: () => 0, now: 0 });
  const now = state({ srtt: 40, inflight: 40_000 });
  let at = 0;
  for (let round = 0; round < 12; round++) {
    at += 40;
    for (let ack = 0; ack < 10; ack++)
      acknowledge(bbr, now, at, ack > 0 ? { priorDelivered: 0 } : {});
  }
  expect(bbr.phase).toBe('ProbeBW_CRUISE');
  expect(bbr.cwnd).toBeGreaterThan(80_000);
  return [bbr, now];
}

/** `count` losses of what left with 60 segments in flight. */
function lose(bbr: Bbr, now: State, count: number): void {
  for (let loss = 0; loss < count; loss++) {
    now.lost += 1000;
    bbr.lost(transmission({ inflight: 60_000, lost: 0 }), now, 5000);
  }
}

/** A round in which a third is lost, and the best sample is `rate`. */
function lossyRound(bbr: Bbr, now: State, rate: number): void {
  lose(bbr, now, 20);
  bbr.enterRecovery();
  now.delivered += 20_000;
  acknowledge(bbr, now, 2000, { deliveryRate: rate, delivered: 20_000 });
}

describe('losses in ProbeBW_CRUISE', () => {
  it('bound rate and window by what the round delivered', () => {
    const [bbr, now] = steady();
    acknowledge(bbr, now, 1900, { deliveryRate: 950 });
    acknowledge(bbr, now, 1950, { deliveryRate: 800, delivered: 30_000 });
    lossyRound(bbr, now, 750);
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
    // The best sample of this round and of the one ACK before it.
    expect(bbr.pacingRate).toBeCloseTo(0.99 * 800, 6);
    expect(bbr.cwnd).toBeLessThan(65_000);
    // What comes without loss lowers them no further.
    for (let round = 0; round < 3; round++)
      acknowledge(bbr, now, 2040 + 40 * round, { deliveryRate: 500 });
    expect(bbr.pacingRate).toBeCloseTo(0.99 * 800, 6);
  });

  it('bound nothing any more after a ProbeRTT', () => {
    const [bbr, now] = steady();
    acknowledge(bbr, now, 1950, { deliveryRate: 750, delivered: 30_000 });
    lossyRound(bbr, now, 750);
    expect(bbr.pacingRate).toBeCloseTo(0.99 * 750, 6);
    bbr.exitRecovery();
    for (let at = 6000; at <= 6400; at += 100) {
      now.inflight = 10_000;
      acknowledge(bbr, now, at, { rtt: 60 });
    }
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
    expect(bbr.pacingRate).toBeCloseTo(990, 6);
  });

  it('bound nothing where the repair was not needed', () => {
    const [bbr, now] = steady();
    lose(bbr, now, 20);
    bbr.enterRecovery();
    bbr.undo(now);
    acknowledge(bbr, now, 2000, { deliveryRate: 700 });
    expect(bbr.pacingRate).toBeCloseTo(990, 6);
  });
});

/** Into ProbeBW_UP, and as far as its ACKs tell of it. */
function up(bbr: Bbr, now: State): void {
  for (let round = 0; bbr.phase !== 'ProbeBW_UP' && round < 100; round++)
    acknowledge(bbr, now, 1000 + 40 * round);
  expect(bbr.phase).toBe('ProbeBW_UP');
}

describe('too many losses in ProbeBW_UP', () => {
  it('leave 15 % of what fitted to others while it cruises', () => {
    const [bbr, now] = steady();
    up(bbr, now);
    lose(bbr, now, 6);
    bbr.enterRecovery();
    now.inflight = 30_000;
    acknowledge(bbr, now, 4000, { priorDelivered: 0, lost: 6000, inflight: 40_000 });
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
    // lost_prefix: (0.02 * 59 - 3) / 0.98 segments, behind 59; the fourth loss is too many.
    expect(bbr.cwnd).toBeCloseTo(0.85 * (59_000 - 1857.14), 0);
  });

  it('are taken back with the bound that a second repair found, not the first', () => {
    const [bbr, now] = steady();
    up(bbr, now);
    lose(bbr, now, 6);
    bbr.enterRecovery();
    bbr.exitRecovery();
    now.inflight = 30_000;
    acknowledge(bbr, now, 4000, { lost: 6000, inflight: 40_000 });
    const { cwnd } = bbr;
    lose(bbr, now, 1);
    bbr.enterRecovery();
    bbr.undo(now);
    acknowledge(bbr, now, 4001, { priorDelivered: 0, lost: 6000, inflight: 40_000 });
    expect(bbr.cwnd).toBe(cwnd);
  });

  it('are taken back also in the round of a loss that was real', () => {
    const [bbr, now] = steady();
    up(bbr, now);
    lose(bbr, now, 1);
    bbr.enterRecovery();
    bbr.exitRecovery();
    now.lost += 4000;
    bbr.lost(transmission({ inflight: 60_000, lost: 0 }), now, 5000);
    bbr.enterRecovery();
    expect(bbr.phase).toBe('ProbeBW_DOWN');
    bbr.undo(now);
    expect(bbr.phase).toBe('ProbeBW_REFILL');
    acknowledge(bbr, now, 5001, { priorDelivered: 0 });
    expect(bbr.cwnd).toBeGreaterThan(80_000);
  });

  it('say nothing within a ProbeRTT that interrupted the probe', () => {
    const [bbr, now] = steady();
    up(bbr, now);
    acknowledge(bbr, now, 9000, { rtt: 60 });
    expect(bbr.phase).toBe('ProbeRTT');
    now.inflight = 10_000;
    acknowledge(bbr, now, 9050);
    lose(bbr, now, 30);
    for (let at = 9100; at <= 9400; at += 50) acknowledge(bbr, now, at);
    expect(bbr.phase).toBe('ProbeBW_CRUISE');
    expect(bbr.cwnd).toBeGreaterThan(80_000);
  });
});

describe('Drain', () => {
  it('is over after three rounds though there is still a queue (draft-ietf-ccwg-bbr 5.3.2)', () => {
    const bbr = new Bbr({ mss: 1000, random: () => 0, now: 0 });
    const now = state({ srtt: 40, inflight: 90_000 });
    let at = 0;
    while (bbr.phase === 'Startup' && at < 1000) acknowledge(bbr, now, (at += 40));
    const phases = Array.from({ length: 4 }, () => {
      acknowledge(bbr, now, (at += 40));
      return bbr.phase;
    });
    expect(phases).toEqual(['Drain', 'Drain', 'Drain', 'ProbeBW_DOWN']);
  });
});

describe('the window in Startup', () => {
  it('grows by what is delivered until that is an initial window, whatever the model says', () => {
    const bbr = new Bbr({ mss: 1000, random: () => 0, now: 0 });
    const now = state({ srtt: 100 });
    for (let ack = 0; ack < 12; ack++) {
      const low = { rtt: 1, deliveryRate: 1, delivered: 1000 };
      acknowledge(bbr, now, 1 + ack, { ...low, priorDelivered: 0 });
    }
    // 10 segments and the first 9 that were delivered.
    expect(bbr.cwnd).toBe(19_000);
  });

  it('remembers one round of aggregation', () => {
    const bbr = new Bbr({ mss: 1000, random: () => 0, now: 0 });
    const now = state({ srtt: 40, delivered: 50_000 });
    const limited = { isAppLimited: true, newlyDelivered: 20_000 };
    acknowledge(bbr, now, 40, limited);
    acknowledge(bbr, now, 80, { ...limited, newlyDelivered: 30_000 });
    for (let round = 3; round < 9; round++) acknowledge(bbr, now, 40 * round, limited);
    expect(bbr.phase).toBe('Startup');
    // Two bandwidth-delay products, and 20 segments at once: not the 30 of a round before.
    expect(bbr.cwnd).toBe(100_000);
  });

  it('paces no slower after a sample that the user limited', () => {
    const bbr = new Bbr({ mss: 1000, random: () => 0, now: 0 });
    const now = state({ srtt: 40 });
    acknowledge(bbr, now, 40, { deliveryRate: 10, isAppLimited: true });
    expect(bbr.pacingRate).toBeCloseTo((2.77 * 10_000) / 40, 6);
  });

  it('is bounded by what was delivered when losses end it', () => {
    const bbr = new Bbr({ mss: 1000, random: () => 0, now: 0 });
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

describe('low rates within a ProbeRTT', () => {
  it('are not what the path carries: Startup goes on after it', () => {
    const bbr = new Bbr({ mss: 1000, random: () => 0, now: 0 });
    const now = state({ srtt: 40, inflight: 10_000 });
    acknowledge(bbr, now, 40);
    for (let at = 5100; at <= 5500; at += 50)
      acknowledge(bbr, now, at, { deliveryRate: 100, rtt: 60 });
    expect(bbr.phase).toBe('Startup');
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

describe('a repair that was not needed', () => {
  it('gives the window back', () => {
    const [bbr, now] = steady();
    const { cwnd } = bbr;
    bbr.timedOut();
    bbr.undo(now);
    expect(bbr.cwnd).toBe(cwnd);
  });

  it('leads back to the probe that it ended', () => {
    const run = start();
    runUntil(run, 'ProbeBW_UP', 5000);
    run.path.run(run.path.now + 45);
    const { bbr, flow, path } = run;
    const { cwnd } = bbr;
    const found = state({ mss: MSS, delivered: flow.delivered, lost: 20 * MSS });
    const segment = transmission({ length: MSS, inflight: BDP, lost: 0 });
    bbr.lost(segment, found, path.now);
    bbr.enterRecovery();
    expect(bbr.phase).toBe('ProbeBW_DOWN');
    bbr.undo(found);
    expect(bbr.phase).toBe('ProbeBW_REFILL');
    expect(bbr.cwnd).toBe(cwnd);
  });

  it('leads back to Startup', () => {
    const bbr = new Bbr({ mss: 1000, random: () => 0, now: 0 });
    const now = state({ srtt: 40, inflight: 40_000 });
    acknowledge(bbr, now, 40);
    const lossy = { newlyLost: 1000, lost: 20_000, inflight: 40_000 };
    for (let ack = 0; ack < 7; ack++) {
      now.lost += 1000;
      bbr.lost(transmission({ inflight: 40_000 }), now, 80);
      if (ack === 0) bbr.enterRecovery();
      acknowledge(bbr, now, 80, { ...lossy, priorDelivered: 0 });
    }
    expect(bbr.phase).toBe('Startup');
    acknowledge(bbr, now, 120, lossy);
    expect(bbr.phase).not.toBe('Startup');
    bbr.undo(now);
    expect(bbr.phase).toBe('Startup');
  });
});

it('paces at what the path carries after an idle time (draft-ietf-ccwg-bbr 5.4)', () => {
  const [bbr, now] = steady();
  for (let round = 0; bbr.phase !== 'ProbeBW_UP' && round < 60; round++)
    acknowledge(bbr, now, 1000 + 40 * round);
  expect(bbr.pacingRate).toBeCloseTo(1.25 * 990, 6);
  bbr.restart(state({ isAppLimited: false }), 500, 300, 4000);
  expect(bbr.pacingRate).toBeCloseTo(1.25 * 990, 6);
  bbr.restart(state({ isAppLimited: true }), 500, 300, 4000);
  expect(bbr.pacingRate).toBeCloseTo(990, 6);
});

it('takes another MSS, and the window that goes with it before anything was sent', () => {
  const bbr = new Bbr({ mss: 536, random: () => 0, now: 0 });
  bbr.setMss(1400);
  expect(bbr.cwnd).toBe(14_000);
  acknowledge(bbr, state({ mss: 1400, srtt: 40 }), 40);
  const { cwnd } = bbr;
  bbr.setMss(536);
  expect(bbr.cwnd).toBe(cwnd);
});
