import { jest } from '@jest/globals';
import { connect } from 'node:net';

import { DialError, type Dialer } from '../../../src/proxy/dialer.js';
import type { HttpListener } from '../../../src/proxy/http/listener.js';
import { startMixedPort } from '../../../src/proxy/mixed/mixed-port.js';
import { Cleanup, failing, Forwarding, localDialer, until } from '../support/forwarding.js';
import type { ScriptedServer } from '../support/scripted-server.js';
import type { Wire } from '../support/wire.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
let dialled: string[];
let port: HttpListener;
let warnings: object[];
beforeEach(() => {
  warnings = [];
  forwarding = new Forwarding(cleanup);
  dialled = [];
});
afterEach(() => cleanup.run());

async function open(dialer: Dialer): Promise<Wire> {
  const warn = (fields: object) => void warnings.push(fields);
  const log = { error: () => 0, warn, info: () => 0, debug: () => 0 };
  port = await startMixedPort({
    listen: { host: '127.0.0.1', port: 0 },
    dialer: {
      dial: (target, signal) => {
        dialled.push(`${target.host} ${target.port}`);
        return dialer.dial(target, signal);
      },
    },
    log,
  });
  const opened = port;
  cleanup.add(() => opened.close({ graceMs: 0 }));
  return client();
}

function client(): Wire {
  return forwarding.client(port);
}

/** A target that sends nothing by itself, and the proxy's client. */
async function openTo(script: (wire: Wire) => void = () => undefined) {
  const server = await forwarding.server(script);
  return { server, client: await open(localDialer(server.port)) };
}

async function first(server: ScriptedServer): Promise<Wire> {
  await until(() => server.wires.length > 0);
  return server.wires[0]!;
}

const GREETING = '\x05\x01\x00';
const GREETED = '\x05\x00';
const NAME = 'one.test';
const BY_NAME = `\x05\x01\x00\x03${String.fromCharCode(NAME.length)}${NAME}\x00\x50`;
const BY_IPV4 = '\x05\x01\x00\x01\x64\x7f\x45\x2a\x01\xbb';
const BY_IPV6 = `\x05\x01\x00\x04\x20\x01\x0d\xb8${'\0'.repeat(11)}\x01\x00\x50`;
const reply = (code: number) => `\x05${String.fromCharCode(code)}\x00\x01${'\0'.repeat(6)}`;

/** What both protocols have to do after the connection is established. */
async function carriesBothWays(wire: Wire, server: ScriptedServer): Promise<void> {
  const target = await first(server);
  await target.until('early');
  wire.send('ping');
  await target.until('earlyping');
  target.send('pong');
  await wire.until('pong');
  wire.socket.end();
  expect(await target.ended()).toBe('fin');
  target.send('after the end');
  await wire.until('after the end');
  target.socket.end();
  expect(await wire.ended()).toBe('fin');
  await until(() => port.counters.active === 0);
}

describe('SOCKS5', () => {
  it.each([
    ['a name', BY_NAME, 'one.test 80'],
    ['IPv4', BY_IPV4, '100.127.69.42 443'],
    ['IPv6', BY_IPV6, '2001:db8::1 80'],
  ])('connects to %s, with early data', async (_name, request, target) => {
    const { server, client } = await openTo();
    client.send(`${GREETING}${request}early`);
    await client.until(GREETED + reply(0));
    expect(dialled).toEqual([target]);
    await carriesBothWays(client, server);
  });

  it('reads a handshake byte by byte', async () => {
    const { server, client } = await openTo();
    client.socket.setNoDelay(true);
    for (const byte of `${GREETING}${BY_NAME}`) {
      client.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.until(GREETED + reply(0));
    await first(server);
  });

  it.each([
    ['no-route', 2],
    ['no-handshake', 3],
    ['refused', 5],
  ] as const)('answers %s with %i', async (reason, code) => {
    const client = await open({ dial: () => Promise.reject(new DialError(reason, 'no')) });
    client.send(GREETING + BY_NAME);
    expect(await client.ended()).toBe('fin');
    expect(client.received).toBe(GREETED + reply(code));
    expect(port.counters.failures).toBe(1);
  });

  it.each([
    ['a client that wants to authenticate', '\x05\x01\x02', '\x05\xff'],
    ['BIND', `${GREETING}\x05\x02\x00\x01\0\0\0\0\0\0`, GREETED + reply(7)],
    ['UDP ASSOCIATE', `${GREETING}\x05\x03\x00\x01\0\0\0\0\0\0`, GREETED + reply(7)],
    ['an unknown address type', `${GREETING}\x05\x01\x00\x09\0\0\0\0\0\0`, GREETED + reply(8)],
    ['an invalid name', `${GREETING}\x05\x01\x00\x03\x03a b\x00\x50`, GREETED + reply(1)],
    ['port 0', `${GREETING}\x05\x01\x00\x01\x01\x01\x01\x01\x00\x00`, GREETED + reply(1)],
    ['BIND of SOCKS4', '\x04\x02\x00\x50\x64\x7f\x45\x2a\x00', `\x00\x5b${'\0'.repeat(6)}`],
  ])('refuses %s and logs the client', async (_name, sent, answer) => {
    const client = await open(failing('refused'));
    client.send(sent);
    expect(await client.ended()).toBe('fin');
    expect(client.received).toBe(answer);
    expect(dialled).toEqual([]);
    const name = `127.0.0.1:${client.socket.localPort}`;
    expect(warnings).toEqual([{ reason: 'bad-request', client: name }]);
  });
});

it.each([
  '\x04\x01\x00\x50\x64\x7f\x45\x2a\x00',
  '\x05\x01\x02',
  'GET /',
  'CONNECT x HTTP/1.1\r\nHost: localhost\r\n\r\n',
])('survives a client that resets after its first bytes: %j', async (sent) => {
  const client = await open(failing('refused'));
  client.send(sent);
  if (sent === 'GET /') await new Promise((resolve) => setTimeout(resolve, 5));
  else await client.until(/^[^]/);
  client.socket.resetAndDestroy();
  const next = forwarding.client(port);
  next.send(GREETING);
  await next.until(GREETED);
});

describe('SOCKS4', () => {
  const SOCKS4 = '\x04\x01\x00\x50\x64\x7f\x45\x2auser\0';
  const SOCKS4A = '\x04\x01\x00\x50\x00\x00\x00\x01\0one.test\0';
  const granted = (code: number) => `\x00${String.fromCharCode(code)}${'\0'.repeat(6)}`;

  it.each([
    ['an address', SOCKS4, '100.127.69.42 80'],
    ['a name', SOCKS4A, 'one.test 80'],
  ])('connects to %s, with early data', async (_name, request, target) => {
    const { server, client } = await openTo();
    client.send(`${request}early`);
    await client.until(granted(0x5a));
    expect(dialled).toEqual([target]);
    await carriesBothWays(client, server);
  });

  it('reports a failed dial', async () => {
    const client = await open(failing('refused'));
    client.send(SOCKS4A);
    expect(await client.ended()).toBe('fin');
    expect(client.received).toBe(granted(0x5b));
  });
});

describe('CONNECT', () => {
  it('joins the client to the target, with early data', async () => {
    const { server, client } = await openTo();
    client.send('CONNECT one.test:443 HTTP/1.1\r\nHost: localhost\r\n\r\nearly');
    expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 200 Connected\r\n\r\n');
    expect(dialled).toEqual(['one.test 443']);
    await carriesBothWays(client, server);
  });

  it('is refused with the reason', async () => {
    const client = await open(failing('no-route'));
    client.send('CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(
      /^HTTP\/1\.1 502 [^]*"reason":"no-route"[^]*"target":"192\.0\.2\.1:443"/,
    );
  });
});

describe('a reset', () => {
  it('of the target resets the client', async () => {
    const { server, client } = await openTo();
    client.send(GREETING + BY_NAME);
    await client.until(GREETED + reply(0));
    (await first(server)).socket.resetAndDestroy();
    expect(await client.ended()).toBe('ECONNRESET');
  });

  it('of the client resets the target, or aborts a pending dial', async () => {
    const { server, client: one } = await openTo();
    one.send(GREETING + BY_NAME);
    await one.until(GREETED + reply(0));
    const target = await first(server);
    one.socket.resetAndDestroy();
    await target.ended();

    let signal: AbortSignal | undefined;
    const two = await open({
      dial: (_target, given) => {
        signal = given;
        return new Promise(() => undefined);
      },
    });
    two.send(GREETING + BY_NAME);
    await until(() => signal !== undefined);
    two.socket.resetAndDestroy();
    await until(() => signal?.aborted === true && port.counters.active === 0);
  });
});

describe('absolute-form', () => {
  it('sends each request to the target in its URL, with Host from the URL', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const client = await open(localDialer(server.port));
    client.send(
      'GET http://one.test/a?b HTTP/1.1\r\nHost: evil.test\r\nProxy-Authorization: x\r\n\r\n',
    );
    await client.until('ok');
    client.send(
      'PUT http://[2001:db8::1]:81 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\na',
    );
    await client.until(/ok[^]*ok/);
    expect(dialled).toEqual(['one.test 80', '2001:db8::1 81']);
    expect(server.wires.map(({ received }) => received)).toEqual([
      'GET /a?b HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n',
      'PUT / HTTP/1.1\r\nHost: [2001:db8::1]:81\r\nContent-Length: 1\r\nConnection: close\r\n\r\na',
    ]);
  });

  it.each(['/', 'https://one.test/', 'http://127.1/'])(
    'is required, so %s is refused',
    async (target) => {
      const client = await open(failing('refused'));
      client.send(`GET ${target} HTTP/1.1\r\nHost: one.test\r\n\r\n`);
      expect(await client.until('}}')).toMatch(/^HTTP\/1\.1 400 [^]*"reason":"bad-request"/);
      expect(dialled).toEqual([]);
    },
  );
});

it.each([
  ['a form', 'POST / HTTP/1.1', 'Content-Length: 0'],
  ['a preflight', 'OPTIONS / HTTP/1.1', 'Access-Control-Request-Method: POST'],
])('does not dial for %s of a web page', async (_, line, field) => {
  const client = await open(failing('refused'));
  client.send(`${line}\r\nHost: localhost\r\nOrigin: https://evil.example\r\n${field}\r\n\r\n`);
  expect(await client.until('}}')).toMatch(/^HTTP\/1\.1 400 [^]*"reason":"bad-request"/);
  expect(dialled).toEqual([]);
});

describe('close', () => {
  it('keeps a connection open for the grace period, and then resets it', async () => {
    const { server, client } = await openTo();
    client.send(GREETING + BY_NAME);
    await client.until(GREETED + reply(0));
    await first(server);
    const silent = connect(Number(port.authority.split(':')[1]), '127.0.0.1');
    await new Promise((resolve) => silent.once('connect', resolve));
    const closed = port.close({ graceMs: 30 });
    await new Promise((resolve) => silent.once('close', resolve).resume());
    await closed;
    expect(await client.ended()).toBe('ECONNRESET');
    await server.wires[0]!.ended();
  });
});

describe('a silent client', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('has 30 s for its first byte', async () => {
    const silent = await open(failing('refused'));
    const fast = client();
    await new Promise((resolve) => silent.socket.once('connect', resolve));
    fast.send(GREETING);
    // Connections are accepted in order.
    await fast.until(GREETED);
    jest.advanceTimersByTime(29_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(silent.ending).toBeUndefined();
    jest.advanceTimersByTime(1);
    expect(await silent.ended()).toBe('fin');
    await fast.ended();
  });

  it('leaves no timer running when it leaves', async () => {
    const silent = await open(failing('refused'));
    const next = client();
    await new Promise((resolve) => silent.socket.once('connect', resolve));
    next.send('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await next.ended();
    expect(jest.getTimerCount()).toBe(1);
    silent.socket.end();
    await silent.ended();
    expect(jest.getTimerCount()).toBe(0);
  });
});
