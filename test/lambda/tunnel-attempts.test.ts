import { NotYetError } from '../../src/lambda/not-yet-error.js';
import { UserError } from '../../src/lib/errors/user-error.js';
import { ExtensionHarness } from './extension-harness.js';
import { settled } from './fake-tunnel.js';

const BROKEN = new UserError('configuration', {
  what: 'cannot use arc.json',
  why: 'no JSON',
  next: ['Correct it.'],
});
const NOT_YET = new NotYetError('configuration', { what: 'cannot read secret arc', why: '400' });
const SECRET = { place: { kind: 'secret', name: 'arc' } } as const;
const MANAGED = { initializationType: 'lambda-managed-instances' } as const;

/**
 * The timers that an invocation leaves: one, which answers pending requests shortly before its end.
 */
const FOR_THE_END = 1;

let lambda: ExtensionHarness;

beforeEach(() => {
  lambda = new ExtensionHarness();
});

/** Checks that an attempt during `next`, which succeeds, gives a request its tunnel. */
async function expectOpen(next: () => Promise<void>): Promise<void> {
  lambda.openTunnel = () => Promise.resolve(lambda.tunnel);
  await next();
  lambda.tunnel.handshake();
  lambda.request();
  await settled();
  expect(lambda.tunnel.dials).toHaveLength(1);
}

describe('a secret', () => {
  it('is read in the first invocation if it cannot be read in the init', async () => {
    lambda.openTunnel = () => Promise.reject(NOT_YET);
    await lambda.start({ ...SECRET, onFailure: 'fail' });
    expect([lambda.isWaiting, lambda.log.messages('error')]).toEqual([true, []]);
    const early = lambda.request();
    await lambda.invoke();
    await lambda.pass(150);
    expect(early.outcome).toBeUndefined();
    lambda.openTunnel = () => Promise.resolve(lambda.tunnel);
    await lambda.pass(200);
    lambda.tunnel.handshake();
    await settled();
    expect(lambda.tunnel.dials).toHaveLength(1);
    expect(lambda.count('open')).toBe(4);
  });

  it('is retried until the invocation’s time is over, then its requests get the reason', async () => {
    lambda.openTunnel = () => Promise.reject(NOT_YET);
    await lambda.start(SECRET);
    await lambda.invoke();
    const waiting = lambda.request();
    await lambda.pass(2_950);
    expect(lambda.log.messages('error')).toEqual([]);
    await lambda.pass(100);
    expect(lambda.log.messages('error')).toEqual([NOT_YET.message]);
    expect(waiting.outcome).toMatchObject({ reason: 'not-ready' });
    expect(lambda.clock.armed).toBe(FOR_THE_END);
  });

  it('is tried once in each later invocation, and its requests wait for it', async () => {
    lambda.openTunnel = () => Promise.reject(NOT_YET);
    await lambda.start(SECRET);
    await lambda.invoke();
    await lambda.pass(3_000);
    const before = lambda.count('open');
    await lambda.invoke();
    await settled();
    expect(lambda.count('open') - before).toBe(1);
    const open = lambda.holdOpening();
    await lambda.invoke();
    const waiting = lambda.request();
    await lambda.pass(50);
    expect(waiting.outcome).toBeUndefined();
    open(lambda.tunnel);
    lambda.tunnel.handshake();
    await settled();
    expect(lambda.tunnel.dials).toHaveLength(1);
  });

  it('is read once at a time, however many invocations arrive meanwhile', async () => {
    lambda.openTunnel = () => Promise.reject(NOT_YET);
    await lambda.start(SECRET);
    const open = lambda.holdOpening();
    await lambda.invoke();
    await lambda.pass(500);
    await lambda.invoke();
    await lambda.pass(500);
    expect(lambda.count('open')).toBe(2);
    open(lambda.tunnel);
    await settled();
    expect(lambda.count('open')).toBe(2);
  });

  it('is not retried in the same invocation if its text is unusable', async () => {
    lambda.openTunnel = () => Promise.reject(BROKEN);
    await lambda.start({ ...SECRET, onFailure: 'fail' });
    expect(lambda.reported).toMatchObject([{ type: 'Extension.ConfigInvalid' }]);
  });

  it('is retried without invocations if Lambda reports none', async () => {
    lambda.openTunnel = () => Promise.reject(NOT_YET);
    await lambda.start({ ...SECRET, ...MANAGED });
    await lambda.pass(3_100);
    expect(lambda.isWaiting).toBe(true);
    const refused = lambda.request();
    await settled();
    expect(refused.outcome).toMatchObject({ reason: 'not-ready', cause: NOT_YET });
    await expectOpen(() => lambda.pass(20_000));
  });

  it('explains its absence to a request if no later attempt ends before the wait', async () => {
    lambda.openTunnel = () => Promise.reject(NOT_YET);
    await lambda.start(SECRET);
    lambda.holdOpening();
    await lambda.invoke();
    const refused = lambda.request();
    await lambda.pass(3_100);
    expect(refused.outcome).toMatchObject({
      reason: 'not-ready',
      message: 'the tunnel did not open within 3 s: cannot read secret arc: 400',
      cause: NOT_YET,
    });
  });

  it('is not retried after a shutdown', async () => {
    lambda.openTunnel = () => Promise.reject(NOT_YET);
    await lambda.start({ ...SECRET, ...MANAGED });
    await lambda.pass(3_100);
    await lambda.shutDown();
    await lambda.pass(10_000);
    const before = lambda.count('open');
    await lambda.pass(60_000);
    expect([lambda.count('open'), lambda.clock.armed]).toEqual([before, 0]);
  });
});

describe('an unusable configuration', () => {
  it('is read again in the next invocation, because it may have been fixed', async () => {
    lambda.openTunnel = () => Promise.reject(BROKEN);
    await lambda.start();
    await lambda.invoke();
    expect(lambda.count('open')).toBe(2);
    const refused = lambda.request();
    await settled();
    expect(refused.outcome).toMatchObject({ reason: 'not-ready', cause: BROKEN });
    await expectOpen(() => lambda.invoke());
  });
});

describe('a secret of a managed instance', () => {
  it('is reported if it cannot be read, does not stop the start, and is retried', async () => {
    lambda.openTunnel = () => Promise.reject(NOT_YET);
    await lambda.start({ ...MANAGED, ...SECRET, onFailure: 'fail' });
    await lambda.pass(3_000);
    expect(lambda.isWaiting).toBe(true);
    expect(lambda.reported).toEqual([]);
    const { what, why, next } = NOT_YET;
    const said = { level: 'error', fields: { what, why, next }, message: NOT_YET.message };
    expect(lambda.log.lines.filter(({ level }) => level === 'error')).toEqual([said]);
    const refused = lambda.request();
    await settled();
    expect(refused.outcome).toMatchObject({ reason: 'not-ready', message: NOT_YET.message });
    await expectOpen(() => lambda.pass(10_000));
  });

  it('is tried after pauses that double up to 10 s', async () => {
    const times: number[] = [];
    lambda.openTunnel = () => {
      times.push(lambda.clock.now());
      return Promise.reject(NOT_YET);
    };
    await lambda.start({ ...MANAGED, ...SECRET });
    await lambda.pass(40_000);
    const pauses = times.slice(1).map((time, index) => time - times[index]!);
    // The pauses of init come first, then those after its end.
    expect(pauses.slice(0, 4)).toEqual([100, 200, 400, 800]);
    expect(pauses.slice(-9)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  });

  it('is reported if it is read later and unusable', async () => {
    lambda.openTunnel = () => Promise.reject(NOT_YET);
    await lambda.start({ ...MANAGED, ...SECRET });
    await lambda.pass(3_000);
    lambda.openTunnel = () => Promise.reject(BROKEN);
    await lambda.pass(10_000);
    const refused = lambda.request();
    await settled();
    expect(refused.outcome).toMatchObject({ reason: 'not-ready', message: BROKEN.message });
    const errors = lambda.log.lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ message }) => message)).toEqual([NOT_YET.message, BROKEN.message]);
  });

  it('is not reported again after a shutdown', async () => {
    lambda.openTunnel = () => Promise.reject(NOT_YET);
    await lambda.start({ ...MANAGED, ...SECRET });
    await lambda.pass(3_000);
    await lambda.shutDown();
    await lambda.pass(10_000);
    expect(lambda.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});
