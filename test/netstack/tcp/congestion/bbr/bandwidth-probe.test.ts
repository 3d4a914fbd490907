import { Prober } from './prober.js';

it('cruises when the data in flight fits the path with headroom (draft-ietf-ccwg-bbr 5.3.3)', () => {
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

it('probes fully once, and then cruises', () => {
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

it('drops the rate of the cycle before the last, unless the user limited this one', () => {
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

it('cruises after its first ProbeBW_DOWN, with exactly the bandwidth-delay product in flight', () => {
  const prober = new Prober();
  prober.state.inflight = 50_000;
  prober.round();
  expect(prober.phase).toBe('ProbeBW_CRUISE');
});

it('probes as often as Reno would double half of the bandwidth-delay product (draft-ietf-ccwg-bbr 5.3.3.8)', () => {
  const prober = new Prober();
  const round = (): void => prober.ack({ priorDelivered: prober.state.delivered });
  for (let count = 0; count < 49; count++) round();
  expect(prober.phase).toBe('ProbeBW_CRUISE');
  round();
  expect(prober.phase).toBe('ProbeBW_REFILL');
});

it('goes down even if the congestion window limits it without a bound', () => {
  const prober = new Prober();
  prober.goUp();
  const { model } = prober;
  model.longTermInflight = model.cwnd + 1;
  model.validation.sample(model.cwnd, model.cwnd, 1000, false);
  prober.round({ deliveryRate: 1100 });
  prober.round({ deliveryRate: 1100 });
  expect(prober.phase).toBe('ProbeBW_DOWN');
});

it('counts one cycle for each probe, after its delivery is measured', () => {
  const prober = new Prober();
  for (let round = 0; round < 3; round++) prober.round();
  prober.model.sampleBandwidth(900, false);
  expect(prober.model.maximumBandwidth).toBe(1000);
});

it('does not count a cycle that a refill ends early, or one during a ProbeRTT', () => {
  const prober = new Prober();
  for (let cycle = 0; cycle < 2; cycle++) {
    prober.now += 2001;
    prober.ack();
    expect(prober.phase).toBe('ProbeBW_REFILL');
    prober.round();
    prober.probe.startDown(prober.state, prober.now);
    prober.model.phase = 'ProbeRTT';
    prober.round();
    prober.probe.startDown(prober.state, prober.now);
  }
  prober.model.sampleBandwidth(900, false);
  expect(prober.model.maximumBandwidth).toBe(1000);
});
