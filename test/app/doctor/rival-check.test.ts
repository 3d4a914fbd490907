import { PassThrough } from 'node:stream';

import { runningRival, watchForRival } from '../../../src/app/doctor/rival-check.js';
import type { Rival } from '../../../src/tunnel/userspace-tunnel.js';
import { REPORT } from '../../support/fakes/status-report.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

const SEEN: Rival = {
  isCertain: false,
  isInDoubt: true,
  foreignFlows: 0,
  lostSessions: 0,
  what: 'another tunnel may be using this virtual SIM',
  why: 'the Arc server sent a packet for another session',
  next: [],
};

class FakeTunnel {
  dials = 0;
  listener: (rival: Rival) => void = () => undefined;
  onDial: () => void = () => undefined;

  onRival(listener: (rival: Rival) => void): void {
    this.listener = listener;
  }

  readonly dialer = {
    dial: () => {
      this.dials++;
      this.onDial();
      return this.dials === 2
        ? Promise.reject(new Error('refused'))
        : Promise.resolve(new PassThrough());
    },
    confirm: () => Promise.reject(new Error('unused')),
  };
}

interface WatchOptions {
  readonly duration?: 'usual' | 'long';
  readonly signal?: AbortSignal;
}

function watch(tunnel: FakeTunnel, clock: FakeClock, options: WatchOptions = {}) {
  const { duration = 'long', signal = new AbortController().signal } = options;
  const watched = tunnel as unknown as Parameters<typeof watchForRival>[0];
  return watchForRival(watched, duration, clock, signal);
}

async function pass(clock: FakeClock, duration: number): Promise<void> {
  clock.advance(duration);
  await new Promise((resolve) => setImmediate(resolve));
}

it.each([
  ['usual', [0, 1, 1, 1]],
  ['long', [1, 2, 3, 4]],
] as const)('connects during the %s watch, and finds nothing', async (duration, dials) => {
  const tunnel = new FakeTunnel();
  const clock = new FakeClock();
  const watching = watch(tunnel, clock, { duration });
  for (const count of dials) {
    await pass(clock, 1_000);
    expect(tunnel.dials).toBe(count);
  }
  expect(await watching).toBeUndefined();
});

it.each([SEEN, { ...SEEN, isInDoubt: false, isCertain: true }])(
  'ends at the first sign of a rival',
  async (rival) => {
    const tunnel = new FakeTunnel();
    const clock = new FakeClock();
    tunnel.onDial = () => tunnel.listener(rival);
    const watching = watch(tunnel, clock);
    await pass(clock, 1_000);
    expect(await watching).toBe(rival);
    expect(tunnel.dials).toBe(1);
  },
);

it('ignores flows that may belong to an earlier process', async () => {
  const tunnel = new FakeTunnel();
  const clock = new FakeClock();
  const stop = new AbortController();
  const reason = new Error('stopped');
  tunnel.onDial = () => {
    tunnel.listener({ ...SEEN, isInDoubt: false, foreignFlows: 1 });
    setImmediate(() => stop.abort(reason));
  };
  const watching = watch(tunnel, clock, { signal: stop.signal });
  await pass(clock, 1_000);
  await expect(watching).rejects.toBe(reason);
});

it('reads the rival from a running up', () => {
  const rival = { why: 'the session was taken over', lastSeenUnix: 1 };
  expect(runningRival(REPORT)).toMatchObject({ outcome: 'ok' });
  expect(runningRival({ ...REPORT, rival })).toMatchObject({
    outcome: 'failed',
    cause: 'The session was taken over.',
  });
  expect(runningRival({ ...REPORT, mode: 'kernel' })).toMatchObject({ outcome: 'skipped' });
});
