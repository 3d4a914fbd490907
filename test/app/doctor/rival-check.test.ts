import { PassThrough } from 'node:stream';

import { rivalResult, runningRival, watchForRival } from '../../../src/app/doctor/rival-check.js';
import { systemClock } from '../../../src/system/clock.js';
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

const watch = (tunnel: FakeTunnel, clock = systemClock, signal = new AbortController().signal) =>
  watchForRival(tunnel as unknown as Parameters<typeof watchForRival>[0], clock, signal);

it('connects five times, a second apart, and finds nothing', async () => {
  const tunnel = new FakeTunnel();
  const clock = new FakeClock();
  const watching = watch(tunnel, clock);
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    expect(tunnel.dials).toBe(round + 1);
    clock.advance(999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(tunnel.dials).toBe(round + 1);
    clock.advance(1);
  }
  expect(await watching).toBeUndefined();
});

it.each([
  [SEEN, true],
  [{ ...SEEN, isInDoubt: false, isCertain: true }, true],
])('ends at the first sign of a rival', async (rival) => {
  const tunnel = new FakeTunnel();
  tunnel.onDial = () => tunnel.listener(rival);
  expect(await watch(tunnel)).toBe(rival);
  expect(tunnel.dials).toBe(1);
});

it('ignores flows that may belong to an earlier process', async () => {
  const tunnel = new FakeTunnel();
  const stop = new AbortController();
  const reason = new Error('stopped');
  tunnel.onDial = () => {
    tunnel.listener({ ...SEEN, isInDoubt: false, foreignFlows: 1 });
    setImmediate(() => stop.abort(reason));
  };
  await expect(watch(tunnel, systemClock, stop.signal)).rejects.toBe(reason);
});

it('names the rival, or none', () => {
  expect(rivalResult(undefined)).toMatchObject({ outcome: 'ok' });
  expect(rivalResult(SEEN)).toMatchObject({
    outcome: 'failed',
    kind: 'tunnel',
    cause: 'The Arc server sent a packet for another session.',
  });
});

it('reads the rival from a running up', () => {
  const rival = { why: 'the session was taken over', lastSeenUnix: 1 };
  expect(runningRival(REPORT)).toMatchObject({ outcome: 'ok' });
  expect(runningRival({ ...REPORT, rival })).toMatchObject({ outcome: 'failed' });
  expect(runningRival({ ...REPORT, mode: 'kernel' })).toMatchObject({ outcome: 'skipped' });
});
