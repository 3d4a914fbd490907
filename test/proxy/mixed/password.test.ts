/** A mixed port that requires a password. */
import { jest } from '@jest/globals';

import { Secret } from '../../../src/lib/secrets/secret.js';
import type { HttpListener } from '../../../src/proxy/http/listener.js';
import { startMixedPort } from '../../../src/proxy/mixed/mixed-port.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { Cleanup, failing, Forwarding, localDialer, OK } from '../support/forwarding.js';
import type { Wire } from '../support/wire.js';

const PASSWORD = 'correct horse';
const basic = (password: string) =>
  `Proxy-Authorization: Basic ${Buffer.from(`any:${password}`).toString('base64')}\r\n`;

const cleanup = new Cleanup();
afterEach(async () => {
  jest.useRealTimers();
  await cleanup.run();
});

let forwarding: Forwarding;
let log: RecordingLog;
let port: HttpListener;

async function open(dialer = failing('refused'), maxConnections = 1024): Promise<Wire> {
  forwarding = new Forwarding(cleanup);
  log = new RecordingLog();
  port = await startMixedPort({
    listen: { host: '127.0.0.1', port: 0 },
    dialer,
    log,
    password: new Secret(new Uint8Array(Buffer.from(PASSWORD))),
    maxConnections,
  });
  cleanup.add(() => port.close({ graceMs: 0 }));
  return forwarding.client(port);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Waits until the port has read a request, or a SOCKS5 password. */
async function isRead(client: Wire): Promise<void> {
  while (port.counters.requests === 0 && !client.received.includes('\x05\x02')) await turn();
}

const get = (field = '') => `GET http://one.test/ HTTP/1.1\r\nHost: one.test\r\n${field}\r\n`;
const connect = (field = '') => `CONNECT one.test:80 HTTP/1.1\r\nHost: one.test\r\n${field}\r\n`;
const CHALLENGE = 'Proxy-Authenticate: Basic realm="arctun", charset="UTF-8"\r\n';

it('challenges a request, and forwards it on the same connection without the password', async () => {
  const server = await new Forwarding(cleanup).server(async (wire) => {
    await wire.request();
    wire.send(OK);
  });
  const client = await open(localDialer(server.port));
  client.send(get());
  const refusal = await client.until('}}');
  expect(refusal).toMatch(/^HTTP\/1\.1 407 /);
  expect(refusal).toContain(CHALLENGE);
  expect(refusal).toContain('"reason":"password-required"');
  client.send(get(basic(PASSWORD)));
  await client.until('ok');
  expect(server.wires[0]!.received).toBe(
    'GET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n',
  );
});

it('challenges CONNECT, and connects with the password', async () => {
  const server = await new Forwarding(cleanup).server(() => undefined);
  const first = await open(localDialer(server.port));
  first.send(connect());
  expect(await first.ended()).toBe('fin');
  expect(first.received).toMatch(/^HTTP\/1\.1 407 /);
  expect(first.received).toContain(CHALLENGE);
  const second = forwarding.client(port);
  second.send(connect(basic(PASSWORD)));
  expect(await second.until('\r\n\r\n')).toBe('HTTP/1.1 200 Connected\r\n\r\n');
});

it.each([
  ['a request', get(basic('wrong')), 'HTTP/1.1 407'],
  ['CONNECT', connect(basic('wrong')), 'HTTP/1.1 407'],
  ['SOCKS5', '\x05\x01\x02\x01\x01u\x05wrong', '\x05\x02\x01\x01'],
])('answers a wrong password late: %s', async (_name, sent, answer) => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  const client = await open();
  client.send(sent);
  await isRead(client);
  jest.advanceTimersByTime(999);
  await turn();
  expect(client.received).not.toContain(answer);
  jest.advanceTimersByTime(1);
  await client.until(answer);
  jest.useRealTimers();
  expect(log.lines.find(({ level }) => level === 'warn')).toMatchObject({
    fields: { reason: 'wrong-password', client: `127.0.0.1:${client.socket.localPort}` },
    message: expect.stringMatching(
      /^(the request was not forwarded|refused the client): the password for this proxy is wrong$/,
    ) as string,
  });
  expect(JSON.stringify(log.lines)).not.toMatch(/"wrong"|d3Jvbmc|correct/);
});

it.each([
  ['a request', get(basic('wrong'))],
  ['CONNECT', connect(basic('wrong'))],
  ['SOCKS5', '\x05\x01\x02\x01\x01u\x05wrong'],
])('gives the connection of a wrong password to a new client: %s', async (_name, sent) => {
  const wrong = await open(failing('refused'), 1);
  wrong.send(sent);
  await isRead(wrong);
  const right = forwarding.client(port);
  right.send(get(basic(PASSWORD)));
  expect(await right.until('}}')).toMatch(/^HTTP\/1\.1 502 /);
  await wrong.ended();
  expect(wrong.received).not.toContain('407');
});

it('refuses SOCKS4, which has no password', async () => {
  const client = await open();
  client.send('\x04\x01\x00\x50\x64\x7f\x45\x2a\0');
  expect(await client.ended()).toBe('fin');
  expect(client.received).toBe(`\0\x5b${'\0'.repeat(6)}`);
  expect(log.messages('warn')).toEqual([
    'refused the client: SOCKS4 does not support the password that this port requires',
  ]);
});

it('answers a request without a target as before, without a challenge', async () => {
  const client = await open();
  client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect(await client.until('}}')).toMatch(/^HTTP\/1\.1 400 /);
});
