import type { Duplex } from 'node:stream';

import { SandboxDialer } from '../../src/lambda/sandbox-dialer.js';
import { UserError } from '../../src/lib/errors/user-error.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { Attempt, passTime } from './attempt.js';
import { FakeTunnel, openStream, settled } from './fake-tunnel.js';

const WAIT = 3_000;
const TARGET = { host: '100.127.69.42', port: 80 };
const BROKEN = new UserError('configuration', { what: 'cannot use arc.json', why: 'no JSON' });

let clock: FakeClock;
let tunnel: FakeTunnel;
let dialer: SandboxDialer;

beforeEach(() => {
  clock = new FakeClock();
  tunnel = new FakeTunnel(clock);
  dialer = new SandboxDialer(WAIT, clock, { unixMilliseconds: () => clock.now() });
});

const dial = (): Promise<Attempt> => Attempt.begin(clock, (signal) => dialer.dial(TARGET, signal));

const pass = (duration: number): Promise<void> => passTime(clock, duration);

async function connected(): Promise<Duplex> {
  tunnel.handshake();
  dialer.open(tunnel);
  const begun = await dial();
  const stream = openStream();
  tunnel.dials.at(-1)!.succeed(stream);
  await settled();
  expect(begun.outcome).toBe(stream);
  return stream;
}

describe('a dial', () => {
  it('waits for the tunnel, then for its session, then for the connection', async () => {
    const begun = await dial();
    await pass(1_000);
    dialer.open(tunnel);
    await pass(1_000);
    expect(tunnel.refreshed).toBe(1);
    expect(tunnel.dials).toEqual([]);
    tunnel.handshake();
    await settled();
    expect(tunnel.dials).toMatchObject([{ target: TARGET }]);
    const stream = openStream();
    tunnel.dials[0]!.succeed(stream);
    await settled();
    expect(begun.outcome).toBe(stream);
    expect(begun.listeners).toBe(0);
    expect(clock.armed).toBe(0);
  });

  it('starts at once if there is a session', async () => {
    tunnel.handshake();
    dialer.open(tunnel);
    await dial();
    expect(tunnel.dials).toHaveLength(1);
  });

  it('refreshes the session before it checks it, because packets may be queued', async () => {
    dialer.open(tunnel);
    tunnel.onRefresh = () => tunnel.handshake();
    await dial();
    expect(tunnel.dials).toHaveLength(1);
  });

  it('fails if no tunnel is opened in time', async () => {
    const begun = await dial();
    await pass(WAIT - 1);
    expect(begun.outcome).toBeUndefined();
    await pass(1);
    expect(begun.outcome).toMatchObject({
      name: 'DialError',
      reason: 'not-ready',
      message: 'the tunnel did not open within 3 s: the tunnel has not been opened yet',
    });
    expect(begun.listeners).toBe(0);
    expect(clock.armed).toBe(0);
  });

  it('fails if no handshake completes in time, and reports its state', async () => {
    dialer.open(tunnel);
    const begun = await dial();
    await pass(WAIT);
    expect(begun.outcome).toMatchObject({
      name: 'DialError',
      reason: 'not-ready',
      silence: 'no-answer',
      message: 'no handshake: the server is silent',
    });
  });

  it('fails if the connection is not open in time, counted from the session', async () => {
    dialer.open(tunnel);
    const begun = await dial();
    await pass(2_000);
    tunnel.handshake();
    await settled();
    await pass(WAIT - 1);
    expect(begun.outcome).toBeUndefined();
    await pass(1);
    expect(begun.outcome).toMatchObject({ name: 'DialError', reason: 'timeout' });
    expect(tunnel.dials[0]?.signal.aborted).toBe(true);
    expect(begun.listeners).toBe(0);
    expect(clock.armed).toBe(0);
  });
});

describe('a refusal', () => {
  it('ends pending dials, and refuses new ones', async () => {
    const waiting = await dial();
    dialer.refuse(BROKEN);
    const later = await dial();
    for (const { outcome } of [waiting, later]) expect(outcome).toMatchObject({ cause: BROKEN });
  });

  it('ends when a tunnel opens after all', async () => {
    dialer.refuse(BROKEN);
    await connected();
  });

  it('does not apply in an invocation with a tunnel', async () => {
    (await connected()).destroy();
    dialer.renewPatience();
    await dial();
    expect(tunnel.dials).toHaveLength(2);
  });
});

it('reports the last failed attempt if no tunnel opens in time', async () => {
  const begun = await dial();
  dialer.noteFailure(BROKEN);
  await pass(WAIT);
  expect(begun.outcome).toMatchObject({ reason: 'not-ready', cause: BROKEN });
});

it('waits for the full time again in a new invocation', async () => {
  await dial();
  await pass(WAIT);
  dialer.renewPatience();
  const begun = await dial();
  await pass(WAIT - 1);
  expect(begun.outcome).toBeUndefined();
});

describe('the caller’s signal', () => {
  const gone = new Error('the client has gone');

  it('ends a dial before it has started', async () => {
    await expect(dialer.dial(TARGET, AbortSignal.abort(gone))).rejects.toBe(gone);
    await dialer.whenIdle(1);
  });

  it.each([
    ['the tunnel', () => undefined],
    ['its session', () => dialer.open(tunnel)],
    [
      'the connection',
      () => {
        tunnel.handshake();
        dialer.open(tunnel);
      },
    ],
  ])('ends the wait for %s', async (_, prepare) => {
    prepare();
    const begun = await dial();
    begun.controller.abort(gone);
    await settled();
    expect(begun.outcome).toBe(gone);
    expect(begun.listeners).toBe(0);
    expect(clock.armed).toBe(0);
    await dialer.whenIdle(1);
  });

  it('also works between the session and the connection', async () => {
    dialer.open(tunnel);
    const begun = await dial();
    tunnel.handshake();
    begun.controller.abort(gone);
    await settled();
    expect(begun.outcome).toBe(gone);
    expect(tunnel.dials.every(({ signal }) => signal.aborted)).toBe(true);
    expect(begun.listeners).toBe(0);
  });
});

describe('whenIdle', () => {
  async function idle(limit: number): Promise<{ at: number | undefined }> {
    const result: { at: number | undefined } = { at: undefined };
    void dialer.whenIdle(limit).then(() => void (result.at = clock.now()));
    await settled();
    return result;
  }

  it('resolves at once if nothing is in progress', async () => {
    expect((await idle(500)).at).toBe(1_000);
    expect(clock.armed).toBe(0);
  });

  it('waits for a dial, and for the stream it becomes', async () => {
    tunnel.handshake();
    dialer.open(tunnel);
    await dial();
    const result = await idle(500);
    await pass(100);
    const stream = openStream();
    tunnel.dials[0]!.succeed(stream);
    await pass(100);
    expect(result.at).toBeUndefined();
    stream.destroy();
    await settled();
    expect(result.at).toBe(1_200);
    expect(clock.armed).toBe(0);
  });

  it('waits for a dial that fails', async () => {
    await dial();
    const result = await idle(500);
    dialer.refuse(BROKEN);
    await settled();
    expect(result.at).toBe(1_000);
  });

  it('waits until its limit, and a new caller waits again', async () => {
    await connected();
    const first = await idle(500);
    await pass(100);
    const second = await idle(300);
    await pass(600);
    expect([first.at, second.at]).toEqual([1_500, 1_400]);
  });

  it('resolves for all callers', async () => {
    const stream = await connected();
    const results = [await idle(500), await idle(500)];
    stream.destroy();
    await settled();
    expect(results.map(({ at }) => at)).toEqual([1_000, 1_000]);
    expect(clock.armed).toBe(0);
  });

  it('does not count a stream that was closed before it was received', async () => {
    tunnel.handshake();
    dialer.open(tunnel);
    await dial();
    const stream = openStream();
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
    tunnel.dials[0]!.succeed(stream);
    await settled();
    expect((await idle(500)).at).toBe(1_000);
  });
});

describe('destroyStreams', () => {
  it('ends open streams, but no later ones', async () => {
    const streams = [await connected(), await connected()];
    dialer.destroyStreams();
    const later = await connected();
    await settled();
    expect(streams.every(({ destroyed }) => destroyed)).toBe(true);
    expect(later.destroyed).toBe(false);
    later.destroy();
    await settled();
    await dialer.whenIdle(1);
    expect(clock.armed).toBe(0);
  });
});

it('leaves exchanges alone that began after the long time', async () => {
  const old = await connected();
  await pass(29_000);
  const recent = await connected();
  await pass(1_000);
  dialer.destroyStreams(30_000);
  expect([old.destroyed, recent.destroyed]).toEqual([true, false]);
  recent.destroy();
});

describe('the end of an invocation', () => {
  it('leaves half of the remaining time to a request near the end', async () => {
    dialer.begin(3_000);
    await pass(2_800);
    const stream = await connected();
    await pass(49);
    expect(stream.destroyed).toBe(false);
    stream.on('error', () => undefined);
    await pass(1);
    expect(stream.errored).toMatchObject({ reason: 'timeout' });
  });

  it.each(['without a session', 'with one'])(
    'is no later for a request that waits for a connection opened in advance, %s',
    async (session) => {
      const began = clock.now();
      if (session === 'with one') tunnel.handshake();
      dialer.open(tunnel);
      dialer.renewPatience();
      dialer.begin(3_000);
      dialer.openAhead(TARGET);
      await pass(100);
      const begun = await dial();
      await pass(2_500);
      expect(begun.outcome).toBeUndefined();
      await pass(100);
      expect(begun.outcome).toBeInstanceOf(Error);
      expect(begun.at).toBe(began + 2_700);
    },
  );

  it('does not end work in progress if it passed during a freeze', async () => {
    dialer.begin(3_000);
    const stream = await connected();
    clock.skip(10_000);
    clock.fire();
    expect(stream.destroyed).toBe(false);
    const begun = await dial();
    await pass(100);
    expect(begun.outcome).toBeUndefined();
  });

  it.each([0, -3_600_000])('is unknown if it is %d ms away', async (left) => {
    dialer.begin(left);
    const stream = await connected();
    const begun = await dial();
    await pass(1_000);
    expect(stream.destroyed).toBe(false);
    expect(begun.outcome).toBeUndefined();
  });
});

it('dials again if the connection opened in advance breaks in the turn in which it is used', async () => {
  tunnel.handshake();
  dialer.open(tunnel);
  dialer.openAhead(TARGET);
  await settled();
  const broken = openStream();
  tunnel.dials[0]!.succeed(broken);
  await settled();
  broken.destroy();
  const begun = await dial();
  for (let turn = 0; turn < 3; turn++) {
    clock.settle();
    await settled();
  }
  expect(tunnel.dials).toHaveLength(2);
  const stream = openStream();
  tunnel.dials[1]!.succeed(stream);
  await settled();
  expect(begun.outcome).toBe(stream);
});

describe('a connection opened in advance', () => {
  it('leaves a dial the rest of its wait if it fails', async () => {
    tunnel.handshake();
    dialer.open(tunnel);
    dialer.openAhead(TARGET);
    await settled();
    await pass(1_000);
    const begun = await dial();
    await pass(2_000);
    expect(tunnel.dials).toHaveLength(2);
    await pass(999);
    expect(begun.outcome).toBeUndefined();
    await pass(1);
    expect(begun.outcome).toMatchObject({ reason: 'timeout' });
  });
});

it('aborts a connection opened in advance when the client that waits for it leaves', async () => {
  tunnel.handshake();
  dialer.open(tunnel);
  dialer.openAhead(TARGET);
  await settled();
  const begun = await dial();
  const gone = new Error('the client has gone');
  begun.controller.abort(gone);
  await settled();
  expect(begun.outcome).toBe(gone);
  expect(tunnel.dials).toHaveLength(1);
  expect(tunnel.dials[0]!.signal.aborted).toBe(true);
  expect([begun.listeners, clock.armed]).toEqual([0, 0]);
});
