import { checkThroughRunning } from '../../../src/app/doctor/inside-checks.js';

it.each([
  [{}, 'arctun up (pid 7) has no proxy to check this through'],
  [
    { proxy: '127.0.0.1:1080', proxyHasPassword: true },
    'the proxy of arctun up (pid 7) requires a password or is on a Unix socket',
  ],
  [
    { proxy: 'unix:/run/arctun/proxy.sock' },
    'the proxy of arctun up (pid 7) requires a password or is on a Unix socket',
  ],
])('skips the checks through the running up with the listeners %j', async (listeners, why) => {
  const connectThrough = () => Promise.reject(new Error('not used'));
  const checks = await checkThroughRunning({ listeners, pid: 7 }, { connectThrough });
  expect(checks.map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped']);
  expect(JSON.stringify(checks)).toContain(why);
});

it('connects through a proxy without a password', async () => {
  const asked: string[] = [];
  const connectThrough = (proxy: string, { host }: { readonly host: string }) => {
    asked.push(`${proxy} ${host}`);
    return Promise.resolve({ isOpen: true } as const);
  };
  const listeners = { proxy: '127.0.0.1:1080', proxyHasPassword: false };
  const checks = await checkThroughRunning({ listeners, pid: 7 }, { connectThrough });
  expect(checks.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
  expect(asked).toEqual(['127.0.0.1:1080 uni.soracom.io', '127.0.0.1:1080 100.127.69.42']);
});
