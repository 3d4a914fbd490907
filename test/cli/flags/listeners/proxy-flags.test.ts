import { nameServers, proxySettings } from '../../../../src/cli/flags/listeners/proxy-flags.js';

const CLOSED = { 'allow-open': false };

it.each([
  [undefined, { listen: { host: '127.0.0.1', port: 1080 }, isAskedFor: false }],
  ['1081', { listen: { host: '127.0.0.1', port: 1081 }, isAskedFor: true }],
  ['[::1]:0', { listen: { host: '::1', port: 0 }, isAskedFor: true }],
  ['off', undefined],
])('reads --proxy-listen %s', (text, settings) => {
  expect(proxySettings({ 'proxy-listen': text, ...CLOSED })).toEqual(settings);
});

it('listens for other machines only with the flag for it', () => {
  const choice = { 'proxy-listen': '0.0.0.0:1080' };
  expect(() => proxySettings({ ...choice, ...CLOSED })).toThrow('cannot listen on 0.0.0.0');
  expect(proxySettings({ ...choice, 'allow-open': true })?.listen.host).toBe('0.0.0.0');
});

it('reads --dns', () => {
  expect(nameServers('100.127.0.53, fd00::53')).toEqual(['100.127.0.53', 'fd00::53']);
  for (const text of ['', 'dns.example', '100.127.0.53,']) {
    expect(() => nameServers(text)).toThrow('cannot use --dns');
  }
});
