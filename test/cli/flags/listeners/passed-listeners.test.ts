import { passedListeners } from '../../../../src/cli/flags/listeners/passed-listeners.js';

const FLAGS = { mode: 'auto', 'proxy-listen': undefined, 'allow-open': false };
const socket = (name: string, fd = 3) => ({ fd, name, path: undefined });

it('assigns each socket to the listener of its name', () => {
  const [first, second, third] = [socket('forward'), socket('proxy', 4), socket('forward', 5)];
  expect(passedListeners([first, second, third], FLAGS, {})).toEqual({
    forward: { passed: [first, third], allowOpen: false },
    proxy: {
      passed: [second],
      allowOpen: false,
      otherwise: ['Or set a password with --proxy-password-file or ARCTUN_PROXY_PASSWORD.'],
    },
  });
  expect(passedListeners([], FLAGS, {})).toEqual({ forward: undefined, proxy: undefined });
});

it('allows other machines with --allow-open, and for the proxy with a password', () => {
  const both = [socket('forward'), socket('proxy', 4)];
  const allowed = (flags: object, env = {}) => {
    const { forward, proxy } = passedListeners(both, { ...FLAGS, ...flags }, env);
    return [forward?.allowOpen, proxy?.allowOpen];
  };
  expect(allowed({ 'allow-open': true })).toEqual([true, true]);
  expect(allowed({ 'proxy-password-file': 'p' })).toEqual([false, true]);
  expect(allowed({}, { ARCTUN_PROXY_PASSWORD: 'p' })).toEqual([false, true]);
  expect(allowed({}, { ARCTUN_PROXY_PASSWORD: '' })).toEqual([false, false]);
});

it.each([
  ['arctun.socket', 1],
  ['unknown', 1],
  // systemd passes an accepted connection under this name.
  ['connection', 2],
])('refuses the name %s', (name, advice) => {
  const refused = () => passedListeners([socket('forward'), socket(name)], FLAGS, {});
  expect(refused).toThrow(
    expect.objectContaining({
      kind: 'configuration',
      what: `cannot use the socket "${name}" of the service manager`,
    }) as Error,
  );
  try {
    refused();
  } catch (error) {
    expect((error as { next: string[] }).next).toHaveLength(advice);
  }
});

it.each([
  ['--mode=tun', { mode: 'tun' }],
  ['--mode=kernel', { mode: 'kernel' }],
  ['--proxy-listen=off', { 'proxy-listen': 'off' }],
])('refuses sockets that %s does not use', (flag, flags) => {
  const all = { ...FLAGS, ...flags };
  expect(() => passedListeners([socket('proxy')], all, {})).toThrow(
    expect.objectContaining({
      kind: 'usage',
      what: `cannot use the socket "proxy" of the service manager with ${flag}`,
    }) as Error,
  );
  expect(() => passedListeners([], all, {})).not.toThrow();
});
