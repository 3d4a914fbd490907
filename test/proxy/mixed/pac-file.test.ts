import { runInNewContext } from 'node:vm';

import { pacFile } from '../../../src/proxy/mixed/pac-file.js';

const PROXY = '127.0.0.1:1080';

/** Runs the file as a browser does, without the functions of browsers. */
function find(host: string, allowedIps: readonly string[], proxy = PROXY): string {
  const text = pacFile({ proxy, names: ['uni.soracom.io'], allowedIps });
  return runInNewContext(
    `${text}\nFindProxyForURL("http://x/", ${JSON.stringify(host)})`,
  ) as string;
}

const IPS = ['100.127.0.0/16', '10.1.2.128/25', '54.250.252.67/32', 'fd00:127::/33'];

it.each([
  'uni.soracom.io',
  'UNI.soracom.io.',
  '100.127.69.42',
  '10.1.2.255',
  '54.250.252.67',
  'fd00:127::1',
  '[fd00:127:7fff::1]',
  'fd00:127:0:0:1:2:3:4',
])('sends %s through the proxy', (host) => {
  expect(find(host, IPS)).toBe(`PROXY ${PROXY}`);
});

it.each([
  'api.soracom.io',
  'soracom.io',
  'uni.soracom.io.example',
  'www.example',
  '100.126.69.42',
  '10.1.2.127',
  '54.250.252.68',
  'fd00:127:8000::1',
  'fd00:128::1',
  '::1',
  '127.0.0.1',
  'localhost',
  'a.localhost',
])('does not send %s through the proxy', (host) => {
  expect(find(host, IPS)).toBe('DIRECT');
});

it('sends everything except this machine through the proxy if a default route exists', () => {
  const all = ['0.0.0.0/0', '::/0'];
  for (const host of ['www.example', '192.0.2.1', '2001:db8::1']) {
    expect(find(host, all)).toBe(`PROXY ${PROXY}`);
  }
  for (const host of ['localhost', '127.0.0.1', '::1']) expect(find(host, all)).toBe('DIRECT');
  // A default route for one family does not include the addresses of the other.
  expect(find('2001:db8::1', ['0.0.0.0/0'])).toBe('DIRECT');
});

it('escapes the address of the proxy, and omits ranges that are not valid', () => {
  const proxy = '"+alert()+"</script>\u2028';
  expect(find('uni.soracom.io', ['x', '10.0.0.0/99'], proxy)).toBe(`PROXY ${proxy}`);
  const text = pacFile({ proxy, names: [], allowedIps: [] });
  expect(text).not.toContain('</script>');
  expect(text).toMatch(/^[\t\n\x20-\x7e]*$/);
});
