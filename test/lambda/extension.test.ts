import { getEventListeners } from 'node:events';
import { Duplex } from 'node:stream';

import { UserError } from '../../src/lib/errors/user-error.js';
import { ExtensionHarness } from './extension-harness.js';
import { openStream, settled } from './fake-tunnel.js';

const BROKEN = new UserError('configuration', {
  what: 'cannot use arc.json',
  why: 'no JSON',
  next: ['Correct it.'],
});
const SECRET = { place: { kind: 'secret', name: 'arc' } } as const;
const SNAP_START = { initializationType: 'snap-start' } as const;
const MANAGED = { initializationType: 'lambda-managed-instances' } as const;

/**
 * The timers that an invocation leaves: one, which answers pending requests shortly before its end.
 */
const FOR_THE_END = 1;

let lambda: ExtensionHarness;

beforeEach(() => {
  lambda = new ExtensionHarness();
});

async function openedStream(): Promise<Duplex> {
  lambda.request();
  await settled();
  const stream = openStream();
  lambda.tunnel.dials.at(-1)!.succeed(stream);
  await settled();
  return stream;
}

/** The connection that an invocation opens in advance. */
async function openedAhead(): Promise<Duplex> {
  const stream = openStream();
  lambda.tunnel.dials.at(-1)!.succeed(stream);
  await settled();
  return stream;
}

describe('init', () => {
  it('loads other modules when the tunnel has sent its initiation', async () => {
    const succeed = lambda.holdOpening();
    await lambda.start();
    await lambda.pass(50);
    expect(lambda.count('warm up')).toBe(0);
    const steps: string[] = [];
    lambda.clock.defer(() => steps.push(`initiation, ${lambda.count('warm up')}`));
    succeed(lambda.tunnel);
    await settled();
    expect(steps).toEqual(['initiation, 0']);
    expect(lambda.count('warm up')).toBe(1);
  });

  it('loads other modules after 100 ms, even if the configuration cannot be read', async () => {
    lambda.holdOpening();
    await lambda.start();
    await lambda.pass(99);
    expect(lambda.count('warm up')).toBe(0);
    await lambda.pass(1);
    expect(lambda.count('warm up')).toBe(1);
  });

  it('loads other modules if a signal stops it', async () => {
    lambda.holdOpening();
    await lambda.start();
    lambda.stopping.abort();
    await settled();
    expect(lambda.count('warm up')).toBe(1);
  });

  it('listens, registers, opens the tunnel, and asks for an event after it is up', async () => {
    await lambda.start();
    expect(lambda.calls).toEqual(['listen', 'register', 'open', 'warm up']);
    expect(lambda.events).toEqual(['INVOKE', 'SHUTDOWN']);
    await lambda.pass(200);
    expect(lambda.isWaiting).toBe(false);
    lambda.tunnel.handshake();
    await settled();
    expect(lambda.calls.slice(4)).toEqual(['next']);
    expect(lambda.log.lines).toEqual([
      {
        level: 'info',
        fields: { listenMs: 100, registerMs: 100, handshakeMs: 300, readyMs: 300 },
        message: 'ready',
      },
    ]);
    expect(lambda.clock.armed).toBe(0);
  });

  it('opens nothing before the registration is sent', async () => {
    lambda.registration = () => new Promise(() => undefined);
    await lambda.start();
    expect(lambda.calls).toEqual(['listen', 'register']);
  });

  it('answers requests of the init through the tunnel', async () => {
    await lambda.start();
    const { tunnel } = lambda;
    lambda.request();
    tunnel.handshake();
    await settled();
    expect(tunnel.dials).toHaveLength(1);
  });

  it('lasts at most until its deadline, counted from the start of the process', async () => {
    await lambda.start({ wait: 1_000 });
    await lambda.pass(899);
    expect(lambda.isWaiting).toBe(false);
    await lambda.pass(1);
    expect(lambda.isWaiting).toBe(true);
    expect(lambda.reported).toEqual([]);
    expect(lambda.log.lines).toMatchObject([
      {
        level: 'error',
        fields: { why: 'the server is silent', readyMs: 1_000 },
        message: 'no tunnel: no handshake: the server is silent',
      },
    ]);
  });

  it('does not extend its deadline if opening the tunnel is slow', async () => {
    const open = lambda.holdOpening();
    await lambda.start({ wait: 1_000, ...SECRET });
    await lambda.pass(899);
    expect(lambda.isWaiting).toBe(false);
    await lambda.pass(1);
    expect(lambda.isWaiting).toBe(true);
    // One attempt is enough, whenever it ends.
    await lambda.invoke();
    open(lambda.tunnel);
    lambda.tunnel.handshake();
    await settled();
    expect(lambda.count('open')).toBe(1);
    lambda.request();
    await settled();
    expect(lambda.tunnel.dials).toHaveLength(1);
  });

  it.each(['degrade', 'fail'] as const)(
    'fails without its port, whatever the policy: %s',
    async (onFailure) => {
      lambda.noPort = new UserError('failed', {
        what: 'cannot listen on port 8080',
        why: 'taken',
        next: ['Choose another.', 'Or stop it.'],
      });
      await lambda.start({ onFailure });
      expect(lambda.calls).toEqual(['listen', 'register', 'warm up', 'init/error']);
      expect(lambda.reported).toEqual([
        {
          type: 'Extension.PortUnavailable',
          message: 'cannot listen on port 8080: taken Choose another. Or stop it.',
        },
      ]);
      expect(lambda.outcome).toBe(lambda.noPort);
    },
  );

  it.each(['degrade', 'fail'] as const)(
    'has no tunnel if a file is not read in time: %s',
    async (onFailure) => {
      const open = lambda.holdOpening();
      await lambda.start({ wait: 1_000, onFailure });
      await lambda.pass(900);
      const [line] = lambda.log.lines;
      expect(line).toMatchObject({ level: 'error', fields: { readyMs: 1_000 } });
      expect(line?.message).toMatch(/^no tunnel: .* could not be read within 1 s$/);
      const types = lambda.reported.map(({ type }) => type);
      expect(types).toEqual(onFailure === 'fail' ? ['Extension.HandshakeTimeout'] : []);
      if (onFailure === 'fail') return;
      const early = lambda.request();
      open(lambda.tunnel);
      lambda.tunnel.handshake();
      await settled();
      expect(lambda.tunnel.dials).toHaveLength(1);
      expect(early.outcome).toBeUndefined();
    },
  );

  it('does not register after an internal error', async () => {
    lambda.noPort = new RangeError('ours');
    await lambda.start();
    expect([lambda.calls, lambda.outcome]).toEqual([['listen'], lambda.noPort]);
  });

  it('closes the port if Lambda refuses the registration', async () => {
    lambda.registration = () => Promise.reject(BROKEN);
    await lambda.start();
    expect([lambda.closed, lambda.outcome]).toEqual([[0], BROKEN]);
    expect(lambda.count('open')).toBe(0);
  });

  it('lets the function run without a tunnel, and its requests get the reason', async () => {
    lambda.openTunnel = () => Promise.reject(BROKEN);
    await lambda.start();
    expect(lambda.isWaiting).toBe(true);
    const { what, why, next } = BROKEN;
    expect(lambda.log.lines).toMatchObject([{ level: 'error', fields: { what, why, next } }]);
    const refused = lambda.request();
    await settled();
    expect(refused.outcome).toMatchObject({ reason: 'not-ready', cause: BROKEN });
  });

  it.each([
    ['Extension.ConfigInvalid', BROKEN],
    ['Extension.ConfigInvalid', new UserError('usage', { what: 'cannot use', why: 'a port' })],
    ['Extension.ConfigInvalid', new TypeError('ours')],
  ])('fails with %s', async (type, failure) => {
    lambda.openTunnel = () => Promise.reject(failure);
    await lambda.start({ onFailure: 'fail' });
    expect(lambda.reported).toMatchObject([{ type }]);
    expect(lambda.reported[0]?.message).toContain(failure.message);
    expect(lambda.isWaiting).toBe(false);
    expect(lambda.closed).toEqual([0]);
    expect(lambda.outcome).toBeInstanceOf(UserError);
  });

  it('fails with Extension.HandshakeTimeout, with everything closed, even if Lambda is not notified', async () => {
    lambda.reporting = () => Promise.reject(BROKEN);
    await lambda.start({ onFailure: 'fail' });
    await lambda.pass(2_900);
    expect(lambda.reported).toMatchObject([{ type: 'Extension.HandshakeTimeout' }]);
    expect(lambda.outcome).toMatchObject({ kind: 'tunnel', reason: 'no-answer' });
    expect(lambda.log.messages('warn')).toEqual(['cannot report the failure to Lambda']);
    expect([lambda.closed, lambda.tunnel.closed]).toEqual([[0], [0]]);
    expect(lambda.clock.armed).toBe(0);
  });

  it('does not open anything that a snapshot would copy', async () => {
    await lambda.start({ ...SNAP_START, onFailure: 'fail' });
    expect(lambda.calls).toEqual(['listen', 'register', 'warm up', 'next']);
    await lambda.invoke();
    expect(lambda.count('open')).toBe(1);
    lambda.tunnel.handshake();
    await settled();
    expect(lambda.isWaiting).toBe(true);
  });
});

describe('an invocation', () => {
  it('refreshes the session, and does not end streams, after a short freeze', async () => {
    await lambda.startReady();
    const stream = await openedStream();
    // The invocation after one that sent nothing: no connection is opened in advance.
    await lambda.invoke();
    await lambda.pass(500);
    const { refreshed } = lambda.tunnel;
    lambda.slept += 29_999;
    await lambda.invoke();
    expect(lambda.tunnel.refreshed).toBe(refreshed + 1);
    expect(stream.destroyed).toBe(false);
  });

  it('refreshes the session after the datagrams queued in the socket', async () => {
    await lambda.startReady();
    const deferred: (() => void)[] = [];
    lambda.clock.defer = (handler) => void deferred.push(handler);
    const { refreshed } = lambda.tunnel;
    await lambda.invoke();
    // The socket collects datagrams in one turn, and passes them on in the next.
    for (let turn = 0; turn < 3; turn++) {
      expect([lambda.tunnel.refreshed, deferred.length]).toEqual([refreshed, 1]);
      deferred.shift()!();
      await settled();
    }
    expect(lambda.tunnel.refreshed).toBeGreaterThan(refreshed);
  });

  it('ends, after a long freeze, streams that the other end has abandoned', async () => {
    await lambda.startReady();
    const stream = await openedStream();
    const deferred: (() => void)[] = [];
    lambda.clock.defer = (handler) => void deferred.push(handler);
    lambda.slept += 30_000;
    await lambda.invoke();
    // Only after the socket was read: the target may have ended them itself.
    for (let turn = 0; turn < 3; turn++) {
      expect(stream.destroyed).toBe(false);
      deferred.shift()!();
      await settled();
    }
    expect(stream.destroyed).toBe(true);
  });

  it('does not end a recent stream after an invocation that took long itself', async () => {
    await lambda.startReady();
    await lambda.invoke();
    await lambda.pass(35_000);
    const stream = await openedStream();
    await lambda.pass(500);
    await lambda.invoke();
    await lambda.pass(500);
    expect(stream.destroyed).toBe(false);
  });

  it('measures each freeze separately', async () => {
    await lambda.startReady();
    const stream = await openedStream();
    for (let count = 0; count < 3; count++) {
      lambda.slept += 20_000;
      await lambda.invoke();
      await lambda.pass(500);
    }
    expect(stream.destroyed).toBe(false);
  });

  it('restarts the wait of requests', async () => {
    await lambda.start();
    await lambda.pass(3_100);
    const { tunnel } = lambda;
    await lambda.invoke();
    const waiting = lambda.request();
    await lambda.pass(2_000);
    expect(waiting.outcome).toBeUndefined();
    tunnel.handshake();
    await settled();
    expect(tunnel.dials).toHaveLength(1);
  });

  it('is finished at once if nothing is in progress', async () => {
    await lambda.startReady();
    await lambda.invoke();
    expect(lambda.count('next')).toBe(2);
    await openedAhead();
    expect(lambda.clock.armed).toBe(FOR_THE_END);
  });

  it('opens a connection in advance, which its request uses', async () => {
    await lambda.startReady();
    await lambda.invoke();
    await openedAhead();
    const sent = lambda.request();
    await settled();
    expect(sent.outcome).toBeInstanceOf(Duplex);
    expect(lambda.tunnel.dials).toHaveLength(1);
    // That invocation has sent: the next one is likely to.
    await lambda.invoke();
    expect(lambda.tunnel.dials).toHaveLength(2);
  });

  it('does not open a connection if the previous invocation sent nothing', async () => {
    await lambda.startReady();
    await lambda.invoke();
    await openedAhead();
    await lambda.invoke();
    await lambda.invoke();
    expect(lambda.tunnel.dials).toHaveLength(1);
    // The previous connection is young enough to be used.
    lambda.request();
    await settled();
    await lambda.invoke();
    expect(lambda.tunnel.dials).toHaveLength(2);
  });

  it('answers all pending requests shortly before Lambda ends the function', async () => {
    await lambda.startReady();
    await lambda.invoke(2_000);
    const stream = await openedStream();
    const errors: unknown[] = [];
    stream.on('error', (error) => errors.push(error));
    lambda.tunnel.hasSession = false;
    const waiting = lambda.request();
    // A tenth of its time, and 300 ms at most.
    await lambda.pass(1_750);
    expect([stream.destroyed, waiting.outcome]).toEqual([false, undefined]);
    await lambda.pass(100);
    expect(errors).toMatchObject([{ reason: 'timeout' }]);
    expect(waiting.outcome).toMatchObject({ reason: 'not-ready' });
    // New requests get half of the remaining time.
    const late = lambda.request();
    await lambda.pass(40);
    expect(late.outcome).toBeUndefined();
    await lambda.pass(60);
    expect(late.outcome).toMatchObject({ reason: 'not-ready' });
    await lambda.invoke(60_000);
    const next = lambda.request();
    await lambda.pass(100);
    expect(next.outcome).toBeUndefined();
  });

  it('does not use a connection that was opened before a long freeze', async () => {
    await lambda.startReady();
    await lambda.invoke();
    const old = await openedAhead();
    lambda.slept += 30_000;
    await lambda.invoke();
    await settled();
    expect(old.destroyed).toBe(true);
  });

  it('is extended during a handshake, by at most 500 ms', async () => {
    await lambda.startReady();
    lambda.tunnel.hasSession = false;
    await lambda.invoke();
    await lambda.pass(100);
    expect(lambda.isWaiting).toBe(false);
    lambda.tunnel.handshake();
    await settled();
    expect(lambda.isWaiting).toBe(true);
    lambda.tunnel.hasSession = false;
    await lambda.invoke();
    await lambda.pass(499);
    expect(lambda.isWaiting).toBe(false);
    await lambda.pass(1);
    expect(lambda.isWaiting).toBe(true);
  });

  it('is extended while a stream is open, by at most 500 ms', async () => {
    await lambda.startReady();
    const stream = await openedStream();
    await lambda.invoke();
    await lambda.pass(100);
    expect(lambda.isWaiting).toBe(false);
    stream.destroy();
    await settled();
    expect(lambda.isWaiting).toBe(true);
    await openedStream();
    await lambda.invoke();
    await lambda.pass(499);
    expect(lambda.isWaiting).toBe(false);
    await lambda.pass(1);
    expect(lambda.isWaiting).toBe(true);
    await openedAhead();
    expect(lambda.clock.armed).toBe(FOR_THE_END);
  });

  it('is extended for both together by no more than that', async () => {
    await lambda.startReady();
    lambda.tunnel.hasSession = false;
    lambda.request();
    await lambda.invoke();
    await lambda.pass(400);
    lambda.tunnel.handshake();
    await lambda.pass(99);
    expect(lambda.isWaiting).toBe(false);
    await lambda.pass(1);
    expect(lambda.isWaiting).toBe(true);
  });
});

describe('a managed instance', () => {
  it('is notified only of its shutdown', async () => {
    await lambda.startReady(MANAGED);
    expect(lambda.events).toEqual(['SHUTDOWN']);
    expect(lambda.count('open')).toBe(1);
    await lambda.shutDown();
    expect(lambda.outcome).toBe('ended');
  });
});

describe('a shutdown', () => {
  it.each([
    ['spindown', 2_000, 1_800],
    ['sandboxterminated', 700, 500],
    ['', 2_000, 1_800],
    ['timeout', 2_000, 0],
    ['failure', 2_000, 0],
    ['spindown', 200, 0],
    // Lambda's clock is an hour ahead: the grace period is not longer than usual.
    ['spindown', 3_602_000, 1_800],
    ['spindown', -60_000, 0],
  ])(
    'for the reason "%s" with %d ms left leaves %d ms for open connections',
    async (reason, left, grace) => {
      await lambda.startReady();
      await lambda.shutDown(reason, left);
      expect([lambda.closed, lambda.tunnel.closed]).toEqual([[grace], [grace]]);
      expect(lambda.outcome).toBe('ended');
      expect(lambda.log.lines.at(-1)).toEqual({
        level: 'info',
        fields: { reason },
        message: 'shut down',
      });
      expect(lambda.clock.armed).toBe(0);
      expect(getEventListeners(lambda.stopping.signal, 'abort')).toEqual([]);
    },
  );

  it('leaves time after the answers for the data that was sent', async () => {
    await lambda.startReady();
    lambda.closingTime = 1_500;
    await lambda.shutDown();
    expect([lambda.closed, lambda.tunnel.closed]).toEqual([[1_800], [300]]);
  });

  it('closes a tunnel that was being opened', async () => {
    const open = lambda.holdOpening();
    await lambda.start({ wait: 1_000 });
    await lambda.pass(1_000);
    await lambda.shutDown();
    expect(lambda.outcome).toBe('ended');
    open(lambda.tunnel);
    await settled();
    expect(lambda.tunnel.closed).toEqual([0]);
  });
});

describe('the stop signal', () => {
  const stop = async () => {
    lambda.stopping.abort(new Error('SIGTERM'));
    await settled();
  };

  it('stops it as a shutdown does, even if Lambda answers later', async () => {
    await lambda.startReady();
    await stop();
    expect(lambda.outcome).toBe('ended');
    expect([lambda.closed, lambda.tunnel.closed]).toEqual([[1_800], [1_800]]);
    expect(lambda.log.lines.at(-1)).toMatchObject({ fields: { reason: 'signal' } });
    // The connection breaks with the process.
    await lambda.fail(BROKEN);
    expect(getEventListeners(lambda.stopping.signal, 'abort')).toEqual([]);
  });

  it.each([
    ['before the registration', () => (lambda.registration = () => stop())],
    ['while the tunnel opens', () => lambda.holdOpening()],
    ['while it waits for the handshake', () => undefined],
  ])('stops it %s, without reporting that it is ready', async (_, prepare) => {
    prepare();
    await lambda.start({ onFailure: 'fail' });
    await stop();
    expect(lambda.outcome).toBe('ended');
    expect(lambda.count('next')).toBe(0);
    expect(lambda.reported).toEqual([]);
    expect([...lambda.log.messages('info'), ...lambda.log.messages('error')]).toEqual([
      'shut down',
    ]);
    expect(lambda.clock.armed).toBe(0);
  });

  it('stops it while an invocation is extended', async () => {
    await lambda.startReady();
    await openedStream();
    await lambda.invoke();
    await stop();
    expect(lambda.outcome).toBe('ended');
    expect(lambda.count('next')).toBe(1);
  });
});

it('closes everything if Lambda no longer answers', async () => {
  await lambda.startReady();
  await lambda.fail(BROKEN);
  expect(lambda.outcome).toBe(BROKEN);
  expect([lambda.closed, lambda.tunnel.closed]).toEqual([[0], [0]]);
});
