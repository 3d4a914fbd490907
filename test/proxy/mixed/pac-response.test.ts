/** /proxy.pac on a mixed port. */
import { Secret } from '../../../src/lib/secrets/secret.js';
import type { HttpListener } from '../../../src/proxy/http/listener.js';
import { startMixedPort } from '../../../src/proxy/mixed/mixed-port.js';
import { silentLog } from '../../support/fakes/silent-log.js';
import { Cleanup, failing, Forwarding } from '../support/forwarding.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

let forwarding: Forwarding;
let port: HttpListener;
let allowedIps: () => Promise<readonly string[]>;

beforeEach(async () => {
  forwarding = new Forwarding(cleanup);
  allowedIps = () => Promise.resolve(['100.127.0.0/16']);
  port = await startMixedPort({
    listen: { host: '127.0.0.1', port: 0 },
    dialer: failing('refused'),
    log: silentLog,
    // Browsers request the file without the password.
    password: new Secret(new Uint8Array([0x78])),
    pac: { names: ['uni.soracom.io'], allowedIps: () => allowedIps(), hosts: ['arctun'] },
  });
  cleanup.add(() => port.close({ graceMs: 0 }));
});

async function answer(line: string, ...fields: readonly string[]): Promise<string> {
  const client = forwarding.client(port);
  client.send([line, ...fields, 'Connection: close', '', ''].join('\r\n'));
  await client.ended();
  return client.received;
}

const GET = 'GET /proxy.pac HTTP/1.1';

it.each([
  ['127.0.0.1:1080', '127.0.0.1:1080'],
  ['[::1]:1080', '[::1]:1080'],
  ['localhost', 'localhost:80'],
  ['arctun:1080', 'arctun:1080'],
])('names the proxy as the client reaches it: %s', async (host, proxy) => {
  const text = await answer(GET, `Host: ${host}`);
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text).toContain('Content-Type: application/x-ns-proxy-autoconfig\r\n');
  expect(text).toContain(`var proxy = "PROXY ${proxy}";`);
  expect(text).toContain('"length":16');
});

it('names its own address to a client that does not send Host', async () => {
  const text = await answer('GET /proxy.pac?x HTTP/1.0');
  expect(text).toContain(`var proxy = "PROXY ${port.authority}";`);
});

it('refuses a host name that an attacker may own', async () => {
  expect(await answer(GET, 'Host: rebound.example')).toMatch(/^HTTP\/1\.1 421 /);
});

it('answers 503 while the tunnel cannot be asked', async () => {
  allowedIps = () => Promise.reject(new Error('closed'));
  expect(await answer(GET, 'Host: localhost')).toMatch(/^HTTP\/1\.1 503 /);
});

it.each(['POST /proxy.pac HTTP/1.1', 'GET /proxy.pacx HTTP/1.1', 'GET / HTTP/1.1'])(
  'answers %s with 400',
  async (line) => {
    const text = await answer(line, 'Host: localhost', 'Content-Length: 0');
    expect(text).toMatch(/^HTTP\/1\.1 400 [^]*this port is a proxy/);
  },
);

it.each([false, true])('answers after an earlier request, also later: %p', async (isLate) => {
  const client = forwarding.client(port);
  client.send('GET http://one.test/ HTTP/1.1\r\nHost: one.test\r\n\r\n');
  if (isLate) await client.until('}}');
  client.send(`${GET}\r\nHost: localhost\r\n\r\n`);
  const text = await client.until('FindProxyForURL');
  expect(text).toMatch(/^HTTP\/1\.1 407 [^]*HTTP\/1\.1 200 OK/);
});
