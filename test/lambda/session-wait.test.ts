import { SessionWait } from '../../src/lambda/session-wait.js';
import { UserError } from '../../src/lib/errors/user-error.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { Attempt, passTime } from './attempt.js';
import { FakeTunnel, settled } from './fake-tunnel.js';

const WAIT = 3_000;
const BROKEN = new UserError('configuration', { what: 'cannot use arc.json', why: 'no JSON' });

let clock: FakeClock;
let tunnel: FakeTunnel;
let wait: SessionWait;
/** The monotonic time at which waiting requests must get a response. */
let due: number;

beforeEach(() => {
  clock = new FakeClock();
  tunnel = new FakeTunnel(clock);
  due = Infinity;
  wait = new SessionWait({ wait: WAIT, clock, answersDue: () => due });
});

const begin = (): Promise<Attempt> => Attempt.begin(clock, (signal) => wait.session(signal));

const pass = (duration: number): Promise<void> => passTime(clock, duration);

describe('the wait', () => {
  it('ends with the tunnel, after its handshake', async () => {
    const begun = await begin();
    await pass(1_000);
    wait.open(tunnel);
    await pass(1_000);
    expect(begun.outcome).toBeUndefined();
    tunnel.handshake();
    await settled();
    expect(begun.outcome).toBe(tunnel);
    expect([begun.listeners, clock.armed]).toEqual([0, 0]);
  });

  it('is shared: it counts from the first request without a session', async () => {
    const first = await begin();
    await pass(2_000);
    const second = await begin();
    await pass(1_000);
    expect([first.at, second.at]).toEqual([4_000, 4_000]);
  });

  it('ends with the state of the handshake if the tunnel opened in the meantime', async () => {
    const begun = await begin();
    await pass(2_000);
    wait.open(tunnel);
    await pass(999);
    expect(begun.outcome).toBeUndefined();
    await pass(1);
    expect(begun.outcome).toMatchObject({ reason: 'not-ready', silence: 'no-answer' });
  });

  it('refuses the next request at once when it is over, with or without a tunnel', async () => {
    await begin();
    await pass(WAIT);
    const late = await begin();
    await pass(1);
    expect(late.outcome).toMatchObject({ reason: 'not-ready' });
    wait.open(tunnel);
    const later = await begin();
    await pass(1);
    expect(later.outcome).toMatchObject({ reason: 'not-ready', silence: 'no-answer' });
  });

  it('is available again ten seconds after it failed', async () => {
    await begin();
    await pass(WAIT + 9_999);
    const early = await begin();
    await pass(1);
    expect(early.outcome).toMatchObject({ reason: 'not-ready' });
    const later = await begin();
    await pass(WAIT - 1);
    expect(later.outcome).toBeUndefined();
    await pass(1);
    expect(later.outcome).toMatchObject({ reason: 'not-ready' });
  });

  it('is available again for an invocation', async () => {
    await begin();
    await pass(60_000);
    wait.renew();
    const begun = await begin();
    await pass(WAIT - 1);
    expect(begun.outcome).toBeUndefined();
    await pass(1);
    expect(begun.outcome).toMatchObject({ reason: 'not-ready' });
  });

  it('is renewed for requests that wait for the tunnel as well', async () => {
    const begun = await begin();
    await pass(1_000);
    wait.renew();
    wait.open(tunnel);
    await pass(WAIT - 1);
    expect(begun.outcome).toBeUndefined();
    await pass(101);
    expect(begun.outcome).toMatchObject({ reason: 'not-ready', silence: 'no-answer' });
  });

  it('is available again after a session', async () => {
    tunnel.handshake();
    wait.open(tunnel);
    expect((await begin()).outcome).toBe(tunnel);
    // Less than the time after which each wait is available again.
    await pass(5_000);
    tunnel.hasSession = false;
    const begun = await begin();
    await pass(WAIT - 1);
    expect(begun.outcome).toBeUndefined();
    await pass(1);
    expect(begun.outcome).toMatchObject({ reason: 'not-ready' });
  });

  it.each(['the tunnel', 'its session'])('for %s ends when the response is due', async (what) => {
    if (what === 'its session') wait.open(tunnel);
    due = clock.now() + 500;
    const begun = await begin();
    await pass(499);
    expect(begun.outcome).toBeUndefined();
    await pass(1);
    expect(begun.outcome).toMatchObject({ reason: 'not-ready' });
    expect(clock.armed).toBe(0);
  });
});

describe('a failed attempt', () => {
  const FAILED = new UserError('configuration', { what: 'cannot read the secret', why: 'timeout' });
  const NOT_OPENED = 'the tunnel did not open within 3 s: ';

  it('is the reason if the wait ends without a tunnel', async () => {
    const begun = await begin();
    wait.noteFailure(FAILED);
    await pass(WAIT);
    const message = `${NOT_OPENED}cannot read the secret: timeout`;
    expect(begun.outcome).toMatchObject({ reason: 'not-ready', message, cause: FAILED });
  });

  it('is forgotten when the tunnel opens', async () => {
    wait.noteFailure(FAILED);
    wait.open(tunnel);
    wait.refuse(BROKEN);
    wait.renew();
    const begun = await begin();
    await pass(WAIT);
    const message = `${NOT_OPENED}the tunnel has not been opened yet`;
    expect(begun.outcome).toMatchObject({ message, cause: undefined });
  });
});

describe('a refusal', () => {
  it('ends pending waits, and refuses new ones, with the reason', async () => {
    const waiting = await begin();
    wait.refuse(BROKEN);
    const later = await begin();
    for (const { outcome, at, listeners } of [waiting, later]) {
      expect(outcome).toMatchObject({
        name: 'DialError',
        reason: 'not-ready',
        message: 'cannot use arc.json: no JSON',
        silence: undefined,
        cause: BROKEN,
      });
      expect([at, listeners]).toEqual([1_000, 0]);
    }
    expect(clock.armed).toBe(0);
  });

  it('ends when a tunnel opens after all', async () => {
    wait.refuse(BROKEN);
    tunnel.handshake();
    wait.open(tunnel);
    expect((await begin()).outcome).toBe(tunnel);
  });

  it('is cleared if the tunnel is to be retried', async () => {
    wait.refuse(BROKEN);
    wait.renew();
    const begun = await begin();
    expect(begun.outcome).toBeUndefined();
    wait.refuse(BROKEN);
    await settled();
    expect(begun.outcome).toMatchObject({ reason: 'not-ready' });
  });

  it('does not apply after a renewal with a tunnel', async () => {
    tunnel.handshake();
    wait.open(tunnel);
    wait.renew();
    expect((await begin()).outcome).toBe(tunnel);
  });
});

it('passes an error on that is not about the session', async () => {
  const fault = new Error('a fault');
  tunnel.onRefresh = () => {
    throw fault;
  };
  wait.open(tunnel);
  expect((await begin()).outcome).toBe(fault);
});

it.each(['the tunnel', 'its session'])(
  'passes on why the signal ended the wait for %s',
  async (what) => {
    if (what === 'its session') wait.open(tunnel);
    const begun = await begin();
    begun.controller.abort(BROKEN);
    await settled();
    expect(begun.outcome).toBe(BROKEN);
    expect([begun.listeners, clock.armed]).toEqual([0, 0]);
  },
);
