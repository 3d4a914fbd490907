import { Prober } from './prober.js';

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

it('looks at what is delivered anew when it goes down', () => {
  const prober = new Prober();
  prober.goUp();
  prober.model.latest.bandwidth = 5000;
  prober.probe.startDown(prober.state, prober.now);
  expect(prober.model.latest.bandwidth).toBe(0);
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
