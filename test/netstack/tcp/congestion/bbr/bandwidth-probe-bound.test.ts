import { Prober } from './prober.js';

it('stays up while the inflight bound limits it, and raises the bound at a growing rate', () => {
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

describe('a probe with too much loss', () => {
  it('goes down, and sets the bound to the data in flight at the first loss (draft-ietf-ccwg-bbr 5.5.10.2)', () => {
    const prober = new Prober();
    prober.goUp();
    // Of 60 segments, 2 % plus a margin for chance: 3.4.
    expect(prober.lose(3)).toBe(false);
    expect(prober.model.longTermInflight).toBe(Infinity);
    expect(prober.lose(4)).toBe(true);
    expect(prober.phase).toBe('ProbeBW_DOWN');
    // lost_prefix = (0.02 * 59 - 3) / 0.98 segments, after 59.
    expect(prober.model.longTermInflight).toBeCloseTo(59_000 - 1857.14, 1);
  });

  it('reacts once for each probe', () => {
    const prober = new Prober();
    prober.goUp();
    prober.lose(4);
    const bound = prober.model.longTermInflight;
    expect(prober.lose(30)).toBe(false);
    expect(prober.model.longTermInflight).toBe(bound);
  });

  it('sets no bound if the user limited the rate, but still goes down', () => {
    const prober = new Prober();
    prober.goUp();
    expect(prober.lose(4, { isAppLimited: true })).toBe(true);
    expect(prober.model.longTermInflight).toBe(Infinity);
  });

  it('counts any loss as too much if the peer sends no SACKs', () => {
    const prober = new Prober();
    prober.goUp();
    prober.state.usesSack = false;
    expect(prober.lose(1)).toBe(true);
  });

  it('does not react without loss if the peer sends no SACKs', () => {
    const prober = new Prober();
    prober.goUp();
    prober.state.usesSack = false;
    expect(prober.lose(0)).toBe(false);
    expect(prober.phase).toBe('ProbeBW_UP');
  });

  it('sets the bound even after it went down', () => {
    const prober = new Prober();
    prober.goUp();
    prober.probe.startDown(prober.state, prober.now);
    const { count } = prober.model.rounds;
    expect(prober.lose(4)).toBe(false);
    expect(prober.model.longTermInflight).toBeCloseTo(59_000 - 1857.14, 1);
    expect(prober.model.rounds.count).toBe(count);
  });

  it('ignores losses of data sent before it', () => {
    const prober = new Prober();
    expect(prober.lose(30)).toBe(false);
    expect(prober.model.longTermInflight).toBe(Infinity);
  });

  it('is followed by one that only touches the bound, and by a full probe if that caused no loss', () => {
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

it.each([
  ['it goes down', (prober: Prober) => prober.probe.startDown(prober.state, prober.now)],
  ['a ProbeRTT interrupts it', (prober: Prober) => prober.probe.interrupt()],
])('ignores losses one round after %s', (_why, ends) => {
  const prober = new Prober();
  prober.goUp();
  ends(prober);
  prober.round();
  prober.lose(30);
  expect(prober.model.longTermInflight).toBe(Infinity);
});

it('raises the bound to the data that was in flight without loss', () => {
  const prober = new Prober();
  prober.model.longTermInflight = 60_000;
  prober.ack({ inflight: 70_000, lost: 4000 });
  expect(prober.model.longTermInflight).toBe(60_000);
  prober.ack({ inflight: 70_000, lost: 3000 });
  expect(prober.model.longTermInflight).toBe(70_000);
});

describe('the inflight bound', () => {
  it('is not raised while the window is smaller, or while it cruises', () => {
    for (const phase of ['ProbeBW_UP', 'ProbeBW_CRUISE'] as const) {
      const prober = new Prober();
      const { model } = prober;
      prober.goUp();
      model.phase = phase;
      model.longTermInflight = phase === 'ProbeBW_UP' ? model.cwnd + 1 : model.cwnd;
      const bound = model.longTermInflight;
      for (let round = 0; round < 4; round++) {
        model.validation.sample(model.cwnd, model.cwnd, 1000, false);
        prober.ack({ newlyDelivered: 200_000 });
      }
      expect(model.longTermInflight).toBe(bound);
    }
  });

  it('from Startup does not end the first probe that touches it', () => {
    const prober = new Prober();
    prober.model.longTermInflight = 60_000;
    prober.goUp();
    prober.state.inflight = 60_000;
    prober.ack();
    expect(prober.phase).toBe('ProbeBW_UP');
  });
});
