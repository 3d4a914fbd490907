import { PassThrough } from 'node:stream';

import { LaterTunnel } from '../../../../src/app/up/listeners/later-tunnel.js';

type Parts = Awaited<Parameters<LaterTunnel['open']>[0]>;

const TARGET = { host: '100.127.69.42', port: 80 };

const parts = (calls: string[]): Parts => {
  const called =
    <T>(name: string, result: T) =>
    () => {
      calls.push(name);
      return Promise.resolve(result);
    };
  return {
    dialer: { dial: called('dial', new PassThrough()) },
    datagramDialer: { open: called('open', 'channel') },
    datagramPorts: { bind: called('bind', 'port'), resolve: called('resolve', Uint8Array.of(1)) },
    status: called('status', { peers: [{ allowedIps: ['100.127.0.0/16'] }] }),
  } as unknown as Parts;
};

it('delays every call until the tunnel opens', async () => {
  const later = new LaterTunnel();
  const calls: string[] = [];
  const results = Promise.all([
    later.dialer.dial(TARGET),
    later.datagramDialer.open(TARGET),
    later.datagramPorts.bind(() => undefined),
    later.datagramPorts.resolve('one.test'),
  ]);
  expect(await later.allowedIps()).toEqual([]);
  expect(calls).toEqual([]);
  later.open(Promise.resolve(parts(calls)));
  const [stream, ...others] = await results;
  expect(stream).toBeInstanceOf(PassThrough);
  expect(others).toEqual(['channel', 'port', Uint8Array.of(1)]);
  expect(await later.allowedIps()).toEqual(['100.127.0.0/16']);
  expect(calls).toEqual(['dial', 'open', 'bind', 'resolve', 'status']);
});

it.each([
  ['a dial', (later: LaterTunnel, signal: AbortSignal) => later.dialer.dial(TARGET, signal)],
  [
    'a channel',
    (later: LaterTunnel, signal: AbortSignal) => later.datagramDialer.open(TARGET, signal),
  ],
  [
    'a lookup',
    (later: LaterTunnel, signal: AbortSignal) => later.datagramPorts.resolve('one.test', signal),
  ],
])('aborts %s that waits for the tunnel', async (_name, call) => {
  const later = new LaterTunnel();
  const controller = new AbortController();
  const waiting = call(later, controller.signal);
  controller.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
});
