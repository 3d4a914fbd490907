import { Prober } from './prober.js';

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

  it('finds nothing too much where the peer sends no SACKs and nothing is lost', () => {
    const prober = new Prober();
    prober.goUp();
    prober.state.usesSack = false;
    expect(prober.lose(0)).toBe(false);
    expect(prober.phase).toBe('ProbeBW_UP');
  });

  it('bounds what is in flight also when it went down already', () => {
    const prober = new Prober();
    prober.goUp();
    prober.probe.startDown(prober.state, prober.now);
    const { count } = prober.model.rounds;
    expect(prober.lose(4)).toBe(false);
    expect(prober.model.longTermInflight).toBeCloseTo(59_000 - 1857.14, 1);
    expect(prober.model.rounds.count).toBe(count);
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

it('raises the bound to what was in flight without harm', () => {
  const prober = new Prober();
  prober.model.longTermInflight = 60_000;
  prober.ack({ inflight: 70_000, lost: 4000 });
  expect(prober.model.longTermInflight).toBe(60_000);
  prober.ack({ inflight: 70_000, lost: 3000 });
  expect(prober.model.longTermInflight).toBe(70_000);
});

describe('the bound', () => {
  it('is not raised while the window is not as large, and not while it cruises', () => {
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

  it('of Startup is no reason to go down when the first probe touches it', () => {
    const prober = new Prober();
    prober.model.longTermInflight = 60_000;
    prober.goUp();
    prober.state.inflight = 60_000;
    prober.ack();
    expect(prober.phase).toBe('ProbeBW_UP');
  });
});
