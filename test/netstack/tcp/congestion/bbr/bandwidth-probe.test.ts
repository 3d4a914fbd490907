import { BandwidthProbe } from '../../../../../src/netstack/tcp/congestion/bbr/bandwidth-probe.js';
import { PathModel } from '../../../../../src/netstack/tcp/congestion/bbr/path-model.js';
import type { AckSample } from '../../../../../src/netstack/tcp/congestion/congestion-control.js';
import { sample, type State, state, transmission } from '../samples.js';

/** A path of 1000 bytes a ms and 50 ms, whose pipe was full once: 50 segments. */
class Prober {
  readonly model = new PathModel(1000, 0);
  readonly probe = new BandwidthProbe(this.model, () => 0);
  readonly state: State = state({ delivered: 1_000_000, inflight: 40_000 });
  now = 1000;

  constructor() {
    this.model.sampleBandwidth(1000, false);
    this.model.boundBandwidth();
    this.model.roundTrip.update(50, 1);
    this.model.cwnd = 100_000;
    this.model.fullPipe.declareFull();
    this.probe.startDown(this.state, this.now);
  }

  get phase(): string {
    return this.model.phase;
  }

  /** An ACK for something that left within the present round. */
  ack(changes: Partial<AckSample> = {}, isAppLimited = false): void {
    const each = sample({
      deliveryRate: 1000,
      newlyDelivered: 1000,
      priorDelivered: 0,
      ...changes,
    });
    this.state.delivered += each.newlyDelivered;
    this.model.rounds.update(each.priorDelivered, this.state.delivered);
    if (this.model.rounds.isStart) this.model.fullPipe.roundEnded(each.deliveryRate);
    this.probe.update(each, isAppLimited, this.state, this.now);
  }

  /** The ACK that begins the next round. */
  round(changes: Partial<AckSample> = {}, isAppLimited = false): void {
    this.now += 50;
    this.ack({ priorDelivered: this.state.delivered, ...changes }, isAppLimited);
  }

  /** Into ProbeBW_UP, with ACKs that tell of it. */
  goUp(): void {
    this.now += 2001;
    this.ack();
    this.round();
    expect(this.phase).toBe('ProbeBW_UP');
    this.round();
  }

  /** `lost` of the 60 segments that were in flight are lost. */
  lose(lost: number, changes = {}): boolean {
    this.state.lost += lost * 1000;
    const segment = transmission({
      inflight: 60_000,
      lost: this.state.lost - lost * 1000,
      ...changes,
    });
    return this.probe.lost(segment, this.state, this.now);
  }
}

it('cruises when what is in flight fits into the path, with headroom (draft-ietf-ccwg-bbr 5.3.3)', () => {
  const prober = new Prober();
  prober.state.inflight = 50_001;
  prober.ack();
  expect(prober.phase).toBe('ProbeBW_DOWN');
  prober.model.longTermInflight = 50_000;
  prober.state.inflight = 42_501;
  prober.ack();
  expect(prober.phase).toBe('ProbeBW_DOWN');
  prober.state.inflight = 42_500;
  prober.ack();
  expect(prober.phase).toBe('ProbeBW_CRUISE');
});

it.each(['ProbeBW_DOWN', 'ProbeBW_CRUISE'] as const)(
  'refills from %s when a probe is due',
  (from) => {
    const prober = new Prober();
    prober.state.inflight = 50_001;
    prober.model.phase = from;
    prober.now += 2000;
    prober.ack();
    expect(prober.phase).toBe(from);
    prober.model.shortTermBandwidth = 500;
    prober.model.shortTermInflight = 20_000;
    prober.now++;
    prober.ack();
    expect(prober.phase).toBe('ProbeBW_REFILL');
    expect([prober.model.shortTermBandwidth, prober.model.shortTermInflight]).toEqual([
      Infinity,
      Infinity,
    ]);
    prober.ack();
    expect(prober.phase).toBe('ProbeBW_REFILL');
    prober.round();
    expect(prober.phase).toBe('ProbeBW_UP');
  },
);

it('goes down when faster brings no more for three rounds', () => {
  const prober = new Prober();
  prober.goUp();
  prober.round({ deliveryRate: 1100 });
  expect(prober.phase).toBe('ProbeBW_UP');
  prober.round({ deliveryRate: 1100 });
  expect(prober.phase).toBe('ProbeBW_DOWN');
});

it('stays up while it brings more', () => {
  const prober = new Prober();
  prober.goUp();
  for (let rate = 1300; rate < 10_000; rate *= 1.3) prober.round({ deliveryRate: rate });
  expect(prober.phase).toBe('ProbeBW_UP');
});

it('stays up while the bound on what is in flight holds it back, and raises that faster and faster', () => {
  const prober = new Prober();
  prober.model.longTermInflight = 60_000;
  prober.model.cwnd = 60_000;
  prober.goUp();
  const growth: number[] = [];
  for (let round = 0; round < 5; round++) {
    const { model } = prober;
    const before = model.longTermInflight;
    prober.round({ newlyDelivered: 0 });
    const acks = before / 1000;
    for (let ack = 0; ack < acks; ack++) {
      model.validation.sample(model.cwnd, model.cwnd, 1000, false);
      prober.ack();
      model.cwnd = model.longTermInflight;
    }
    growth.push((model.longTermInflight - before) / 1000);
  }
  expect(prober.phase).toBe('ProbeBW_UP');
  expect(growth).toEqual([1, 2, 4, 8, 16]);
});

describe('when it loses too much', () => {
  it('goes down, and takes what was in flight where the loss began as the bound (draft-ietf-ccwg-bbr 5.5.10.2)', () => {
    const prober = new Prober();
    prober.goUp();
    // Of 60 segments, 2 % and what chance makes of it: 3.4.
    expect(prober.lose(3)).toBe(false);
    expect(prober.model.longTermInflight).toBe(Infinity);
    expect(prober.lose(4)).toBe(true);
    expect(prober.phase).toBe('ProbeBW_DOWN');
    // lost_prefix = (0.02 * 59 - 3) / 0.98 segments, behind 59.
    expect(prober.model.longTermInflight).toBeCloseTo(59_000 - 1857.14, 1);
  });

  it('takes at most three tenths off', () => {
    const prober = new Prober();
    prober.goUp();
    prober.lose(10, { inflight: 20_000 });
    expect(prober.model.longTermInflight).toBeCloseTo(0.7 * 50_000, 6);
  });

  it('reacts once for each probe', () => {
    const prober = new Prober();
    prober.goUp();
    prober.lose(4);
    const bound = prober.model.longTermInflight;
    expect(prober.lose(30)).toBe(false);
    expect(prober.model.longTermInflight).toBe(bound);
  });

  it('bounds nothing where the user held the probe back, but goes down', () => {
    const prober = new Prober();
    prober.goUp();
    expect(prober.lose(4, { isAppLimited: true })).toBe(true);
    expect(prober.model.longTermInflight).toBe(Infinity);
  });

  it('takes any loss for too much where the peer sends no SACKs', () => {
    const prober = new Prober();
    prober.goUp();
    prober.state.usesSack = false;
    expect(prober.lose(1)).toBe(true);
  });

  it('is no matter of what left while it did not probe', () => {
    const prober = new Prober();
    expect(prober.lose(30)).toBe(false);
    expect(prober.model.longTermInflight).toBe(Infinity);
  });

  it('only touches the bound next time, and probes in full when that did no harm', () => {
    const prober = new Prober();
    prober.goUp();
    prober.lose(4);
    const bound = prober.model.longTermInflight;
    prober.round();
    prober.now += 2001;
    prober.ack();
    prober.round();
    expect(prober.phase).toBe('ProbeBW_UP');
    prober.state.inflight = bound - 1;
    prober.ack();
    expect(prober.phase).toBe('ProbeBW_UP');
    prober.state.inflight = bound;
    prober.ack();
    expect(prober.phase).toBe('ProbeBW_DOWN');
    prober.round();
    expect(prober.phase).toBe('ProbeBW_REFILL');
    prober.round();
    prober.round();
    expect(prober.phase).toBe('ProbeBW_UP');
  });
});

it('probes in full once, and cruises then', () => {
  const prober = new Prober();
  prober.goUp();
  prober.lose(4);
  prober.round();
  prober.now += 2001;
  prober.ack();
  prober.round();
  prober.state.inflight = prober.model.longTermInflight;
  prober.ack();
  prober.round();
  expect(prober.phase).toBe('ProbeBW_REFILL');
  for (let round = 0; round < 5; round++) prober.round();
  expect(prober.phase).toBe('ProbeBW_DOWN');
  prober.round();
  prober.round();
  expect(prober.phase).not.toBe('ProbeBW_REFILL');
});

it.each([
  ['it went down', (prober: Prober) => prober.probe.startDown(prober.state, prober.now)],
  ['a ProbeRTT interrupted it', (prober: Prober) => prober.probe.interrupt()],
])('is told nothing more by losses a round after %s', (_why, ends) => {
  const prober = new Prober();
  prober.goUp();
  ends(prober);
  prober.round();
  prober.lose(30);
  expect(prober.model.longTermInflight).toBe(Infinity);
});

it('looks at what is delivered anew when it goes down', () => {
  const prober = new Prober();
  prober.goUp();
  prober.model.latest.bandwidth = 5000;
  prober.probe.startDown(prober.state, prober.now);
  expect(prober.model.latest.bandwidth).toBe(0);
});

it('raises the bound to what was in flight without harm', () => {
  const prober = new Prober();
  prober.model.longTermInflight = 60_000;
  prober.ack({ inflight: 70_000, lost: 4000 });
  expect(prober.model.longTermInflight).toBe(60_000);
  prober.ack({ inflight: 70_000, lost: 3000 });
  expect(prober.model.longTermInflight).toBe(70_000);
});

it('forgets the rate of the cycle before the last one, unless the user held this one back', () => {
  for (const [isAppLimited, left] of [
    [false, 900],
    [true, 1000],
  ] as const) {
    const prober = new Prober();
    for (let cycle = 0; cycle < 3; cycle++) {
      prober.round({}, isAppLimited);
      prober.model.sampleBandwidth(900, false);
      prober.probe.startDown(prober.state, prober.now);
    }
    expect(prober.model.maximumBandwidth).toBe(left);
  }
});
