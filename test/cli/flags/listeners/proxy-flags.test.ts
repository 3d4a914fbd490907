import { nameServers, proxyPlace } from '../../../../src/cli/flags/listeners/proxy-flags.js';
import { thrownBy } from '../../../proxy/support/thrown.js';

const CLOSED = { 'allow-open': false };

it.each([
  [undefined, { listen: { host: '127.0.0.1', port: 1080 }, isAskedFor: false }],
  ['1081', { listen: { host: '127.0.0.1', port: 1081 }, isAskedFor: true }],
  ['[::1]:0', { listen: { host: '::1', port: 0 }, isAskedFor: true }],
  ['/run/proxy.sock', { listen: { path: '/run/proxy.sock' }, isAskedFor: true }],
  ['unix:proxy.sock', { listen: { path: 'proxy.sock' }, isAskedFor: true }],
  ['off', undefined],
])('reads --proxy-listen %s', (text, settings) => {
  expect(proxyPlace({ 'proxy-listen': text, ...CLOSED }, {})).toEqual(settings);
});

it.each(['http://127.0.0.1:1080', 'unix:', '127.0.0.1'])('refuses --proxy-listen %s', (text) => {
  const place = () => proxyPlace({ 'proxy-listen': text, ...CLOSED }, {});
  expect(thrownBy(place)).toMatchObject({
    what: expect.stringContaining('cannot listen on') as string,
    next: [
      'Use the form 127.0.0.1:1080, or [::1]:1080 for IPv6.',
      'For a Unix socket, use a path that contains a slash, or unix:PATH.',
    ],
  });
});

it('listens for other machines only with a password or with the flag for it', () => {
  const choice = { 'proxy-listen': '0.0.0.0:1080', ...CLOSED };
  const open = { listen: { host: '0.0.0.0', port: 1080 }, isAskedFor: true };
  expect(thrownBy(() => proxyPlace(choice, { ARCTUN_PROXY_PASSWORD: '' }))).toMatchObject({
    kind: 'usage',
    what: 'cannot listen on 0.0.0.0 (--proxy-listen)',
    next: [
      'Listen on 127.0.0.1.',
      'Or set a password with --proxy-password-file or ARCTUN_PROXY_PASSWORD.',
      'Or allow this address with --allow-open or ARCTUN_ALLOW_OPEN=true.',
    ],
  });
  expect(proxyPlace({ ...choice, 'allow-open': true }, {})).toEqual(open);
  expect(proxyPlace({ ...choice, 'proxy-password-file': 'x' }, {})).toEqual(open);
  expect(proxyPlace(choice, { ARCTUN_PROXY_PASSWORD: 'x' })).toEqual(open);
});

it('reads --dns', () => {
  expect(nameServers('100.127.0.53, fd00::53')).toEqual(['100.127.0.53', 'fd00::53']);
  for (const text of ['', 'dns.example', '100.127.0.53,']) {
    expect(() => nameServers(text)).toThrow('cannot use --dns');
  }
});
