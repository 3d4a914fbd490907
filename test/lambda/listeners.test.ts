import { Agent, get, type RequestOptions } from 'node:http';
import { type AddressInfo, createServer, Server } from 'node:net';
import { text } from 'node:stream/consumers';

import { jest } from '@jest/globals';

import { type Listeners, openListeners } from '../../src/lambda/listeners.js';
import { type BrowserPolicy, CLOSED_TO_PAGES } from '../../src/proxy/http/browser-check.js';
import { type Dialer, DialError } from '../../src/proxy/dialer.js';
import { KeptConnections } from '../../src/proxy/http/target/kept-connections.js';
import { systemClock } from '../../src/system/clock.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { silentLog } from '../support/fakes/silent-log.js';
import { until } from '../support/until.js';

const LOOPBACKS = ['127.0.0.1', '::1'] as const;

const servers: Server[] = [];
const opened: Listeners[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((listeners) => listeners.close({ graceMs: 0 })));
  await Promise.all(servers.splice(0).map(close));
});

function close(server: Server): Promise<unknown> {
  return new Promise((resolve) => server.close(resolve));
}

async function take(host: string, port = 0): Promise<Server> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen({ host, port }, resolve));
  return server;
}

/** A port that is free on both loopback addresses. */
async function freePort(): Promise<number> {
  const server = await take('127.0.0.1');
  const { port } = server.address() as AddressInfo;
  await close(server);
  servers.length = 0;
  return port;
}

const refusing: Dialer = {
  dial: () => Promise.reject(new DialError('not-ready', 'not yet')),
};

async function open(
  port: number,
  clock: FakeClock | typeof systemClock = systemClock,
  browsers: BrowserPolicy = CLOSED_TO_PAGES,
) {
  const target = { host: '100.127.69.42', port: 80 };
  const listeners = await openListeners({
    port,
    target,
    browsers,
    dialer: refusing,
    kept: new KeptConnections({ resends: true }),
    log: silentLog,
    clock,
  });
  opened.push(listeners);
  return listeners;
}

function ask(host: string, port: number): Promise<{ status?: number; body: string }> {
  return fetchAs({ host, port, agent: false });
}

function fetchAs(options: RequestOptions): Promise<{ status?: number; body: string }> {
  return new Promise((resolve, reject) => {
    get(options, (response) => {
      const { statusCode: status } = response;
      text(response).then((body) => resolve({ ...(status && { status }), body }), reject);
    }).on('error', reject);
  });
}

it('answers on both loopback addresses', async () => {
  const port = await freePort();
  await open(port);
  for (const host of LOOPBACKS) {
    const { status, body } = await ask(host, port);
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({
      error: { reason: 'not-ready', target: '100.127.69.42:80' },
    });
  }
});

it('answers only for localhost and the allowed names', async () => {
  const port = await freePort();
  await open(port, systemClock, { hosts: ['sandbox'], origins: [] });
  const reasonFor = async (Host: string) => {
    const answer = await fetchAs({ host: '127.0.0.1', port, headers: { Host }, agent: false });
    return (JSON.parse(answer.body) as { error: { reason: string } }).error.reason;
  };
  expect(await reasonFor('evil.example')).toBe('foreign-host');
  expect(await reasonFor(`localhost:${port}`)).toBe('not-ready');
  expect(await reasonFor('sandbox')).toBe('not-ready');
});

it('frees both ports when it is closed', async () => {
  const port = await freePort();
  const listeners = await open(port);
  await listeners.close({ graceMs: 0 });
  for (const host of LOOPBACKS) await expect(ask(host, port)).rejects.toThrow('ECONNREFUSED');
});

it.each(LOOPBACKS)('does not use a port that another process holds on %s', async (host) => {
  const port = await freePort();
  await take(host, port);
  await expect(open(port)).rejects.toMatchObject({
    name: 'UserError',
    kind: 'failed',
    what: `cannot listen on port ${port}`,
    next: [expect.stringContaining('ARCTUN_LAMBDA_PORT'), expect.stringContaining('Web Adapter')],
  });
  // Nothing is left open on the other address.
  const other = LOOPBACKS.find((each) => each !== host) ?? '';
  await expect(ask(other, port)).rejects.toThrow('ECONNREFUSED');
});

it.each(LOOPBACKS)('waits for a port on %s that is in use for a moment', async (host) => {
  const port = await freePort();
  const holder = await take(host, port);
  const clock = new FakeClock();
  const listening = open(port, clock);
  await until(() => clock.armed > 0);
  await close(holder);
  servers.length = 0;
  clock.advance(50);
  await listening;
  expect((await ask(host, port)).status).toBe(503);
});

it('uses IPv4 only if the system has no IPv6', async () => {
  const port = await freePort();
  // The error that the system returns in that case.
  const original = Reflect.get(Server.prototype, 'listen') as (...parameters: unknown[]) => Server;
  const listen = jest.spyOn(Server.prototype, 'listen');
  listen.mockImplementation(function (this: Server, ...parameters: unknown[]) {
    const [{ host }] = parameters as [{ host: string }];
    if (host !== '::1') return original.apply(this, parameters);
    const code = 'EADDRNOTAVAIL';
    process.nextTick(() => this.emit('error', Object.assign(new Error(code), { code })));
    return this;
  });
  await open(port);
  listen.mockRestore();
  expect((await ask('127.0.0.1', port)).status).toBe(503);
  await expect(ask('::1', port)).rejects.toThrow('ECONNREFUSED');
});

it('leaves closing an idle connection to the function, because a freeze can last any time', async () => {
  const port = await freePort();
  await open(port);
  const fields = await new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: true });
    get({ host: '127.0.0.1', port, agent }, (response) => {
      response.resume().once('end', () => {
        agent.destroy();
        resolve(response.headers);
      });
    }).on('error', reject);
  });
  // The other field would announce when the server closes the connection.
  expect(fields).toMatchObject({ connection: 'keep-alive' });
  expect(fields).not.toHaveProperty('keep-alive');
});
