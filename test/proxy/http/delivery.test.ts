/** Kept connections and repeated requests, as the target and the client see them. */
import { jest } from '@jest/globals';

import { DialError } from '../../../src/proxy/dialer.js';
import { KeptConnections } from '../../../src/proxy/http/target/kept-connections.js';
import { Cleanup, Forwarding, OK, until } from '../support/forwarding.js';
import { KeepableDialer, type KeepableSide } from '../support/keepable.js';
import type { Wire } from '../support/wire.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
let dialer: KeepableDialer;
beforeEach(() => {
  forwarding = new Forwarding(cleanup);
  dialer = new KeepableDialer();
});
afterEach(() => cleanup.run());

const POST = 'POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc';
const SEEN = 'POST /a HTTP/1.1\r\nHost: 100.127.69.42\r\nContent-Length: 3\r\n\r\nabc';

async function start(resends = true): Promise<Wire> {
  const forwarder = await forwarding.start(dialer, { kept: new KeptConnections({ resends }) });
  return forwarding.client(forwarder);
}

/** Sends a request and a response, over the connection with this number. */
async function exchange(client: Wire, index = 0, response = OK): Promise<void> {
  client.received = '';
  client.send(POST);
  const side = await dialer.side(index);
  expect(await side.request()).toBe(SEEN);
  side.respond(response);
  await client.until(/\r\n\r\n(ok)?$/);
}

it('sends the requests of a client over one connection, each in one write', async () => {
  const client = await start();
  for (let count = 0; count < 3; count++) await exchange(client);
  expect(dialer.sides).toHaveLength(1);
});

it('uses the connection for another client', async () => {
  const forwarder = await forwarding.start(dialer, {
    kept: new KeptConnections({ resends: true }),
  });
  await exchange(forwarding.client(forwarder));
  await exchange(forwarding.client(forwarder));
  expect(dialer.sides).toHaveLength(1);
});

it('dials for each of two requests at the same time, and then keeps both connections', async () => {
  const forwarder = await forwarding.start(dialer, {
    kept: new KeptConnections({ resends: true }),
  });
  const clients = [forwarding.client(forwarder), forwarding.client(forwarder)];
  for (const client of clients) client.send(POST);
  const sides = await Promise.all([dialer.side(0), dialer.side(1)]);
  for (const side of sides) side.respond(OK);
  for (const client of clients) await client.until('ok');
  for (const client of clients) client.send(POST);
  await Promise.all(sides.map((side) => side.request()));
  expect(dialer.sides).toHaveLength(2);
});

it.each([
  ['the target announces a close', OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')],
  ['bytes follow the response', `${OK}x`],
  [
    'the target authenticates connections (RFC 4559)',
    OK.replace('\r\n\r\n', '\r\nWWW-Authenticate: Basic realm="a", Negotiate\r\n\r\n'),
  ],
])('closes the connection if %s', async (_, response) => {
  const client = await start();
  await exchange(client, 0, response);
  await exchange(client, 1);
  expect(dialer.sides[0]!.hasEnded).toBe(true);
});

it.each([
  ['NTLM TlRMTVNTUAAD', 2],
  ['Basic bnRsbTo=', 1],
])('shares no connection that a client has authenticated: %s', async (credentials, dialed) => {
  const client = await start();
  client.send(`GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${credentials}\r\n\r\n`);
  const side = await dialer.side(0);
  await side.request();
  side.respond(OK);
  await client.until('ok');
  await exchange(client, dialed - 1);
  expect(dialer.sides).toHaveLength(dialed);
});

it('dials again if the target has closed the idle connection', async () => {
  const client = await start();
  await exchange(client);
  dialer.sides[0]!.push(null);
  await new Promise(setImmediate);
  await exchange(client, 1);
  expect(dialer.sides[0]!.hasEnded).toBe(true);
});

it('sends a request again that the target provably has not read', async () => {
  const client = await start();
  await exchange(client);
  client.received = '';
  client.send(POST);
  expect(await dialer.sides[0]!.request()).toBe(SEEN);
  dialer.sides[0]!.resetUnread();
  const second = await dialer.side(1);
  expect(await second.request()).toBe(SEEN);
  second.respond(OK);
  expect(await client.until('ok')).toMatch(/^HTTP\/1\.1 200 /);
  const messages = forwarding.lines.map(({ level, message }) => `${level} ${message}`);
  expect(messages.join('\n')).toMatch(/^debug sent again: /m);
});

it.each<[string, string, (side: KeepableSide) => void]>([
  ['an RST', 'retransmitted', (side) => (side.unreadDoubt = 'retransmitted')],
  ['no RST', 'no RST', () => undefined],
  ['a response that had begun', 'the response had begun', (side) => side.respond('HTTP/1.1 20')],
])('logs why a lost request is not sent again: %s', async (_, doubt, prepare) => {
  const client = await start();
  await exchange(client);
  client.send(POST);
  const [side] = dialer.sides;
  await side!.request();
  prepare(side!);
  await new Promise(setImmediate);
  side!.destroy(new Error('ECONNRESET'));
  await client.until(/HTTP\/1\.1 502 /);
  const lines = forwarding.lines.filter(({ level }) => level === 'debug');
  const message = 'not sent again: the target may have read the request';
  expect(lines).toContainEqual(expect.objectContaining({ message, fields: { doubt } }));
  expect(dialer.sides).toHaveLength(1);
});

it.each<[string, number, (side: KeepableSide) => void]>([
  ['no response', 1, () => undefined],
  ['a response that had begun', 0, (side) => side.respond(OK.slice(0, -1))],
])('reports a connection that was lost after %s', async (_, reports, prepare) => {
  const kept = new KeptConnections({ resends: true });
  const lost = jest.spyOn(kept, 'lost');
  const client = forwarding.client(await forwarding.start(dialer, { kept }));
  await exchange(client);
  client.send(POST);
  const [side] = dialer.sides;
  await side!.request();
  prepare(side!);
  await new Promise(setImmediate);
  side!.destroy(new Error('ECONNRESET'));
  const isOver = () => forwarding.lines.some(({ message }) => /^not sent again/.test(message));
  await until(isOver);
  expect(lost).toHaveBeenCalledTimes(reports);
});

it('does not take bytes that crossed the request for its response', async () => {
  const client = await start();
  await exchange(client);
  client.received = '';
  client.send(POST);
  const [first] = dialer.sides;
  await first!.request();
  first!.isUnacknowledged = true;
  first!.respond('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n');
  first!.push(null);
  await new Promise((resolve) => setTimeout(resolve, 80));
  first!.resetUnread();
  const second = await dialer.side(1);
  expect(await second.request()).toBe(SEEN);
  second.respond(OK);
  expect(await client.until('ok')).toMatch(/^HTTP\/1\.1 200 /);
});

it.each<[string, boolean, (client: Wire) => Promise<void>]>([
  [
    'without a proof',
    true,
    async () => {
      await dialer.sides[0]!.request();
      dialer.sides[0]!.destroy(new Error('ECONNRESET'));
    },
  ],
  [
    'after a part of a response',
    true,
    async () => {
      await dialer.sides[0]!.request();
      dialer.sides[0]!.respond('HTTP/1.1 2');
      dialer.sides[0]!.resetUnread();
    },
  ],
  [
    'with --no-resend',
    false,
    async () => {
      await dialer.sides[0]!.request();
      dialer.sides[0]!.resetUnread();
    },
  ],
])('fails a request %s', async (_, resends, lose) => {
  const client = await start(resends);
  await exchange(client);
  client.received = '';
  client.send(POST);
  await lose(client);
  expect(await client.until('}}\n')).toMatch(/^HTTP\/1\.1 502 [^]*"reason":"reset"/);
  expect(dialer.sides).toHaveLength(1);
});

it('gives the reason of a tunnel that has ended the connection', async () => {
  const client = await start();
  await exchange(client);
  client.received = '';
  client.send(POST);
  await dialer.sides[0]!.request();
  dialer.sides[0]!.destroy(new DialError('timeout', 'the target is not answering'));
  expect(await client.until('}}\n')).toMatch(/"reason":"timeout"/);
});

it('does not keep a connection that the request asked the target to close (RFC 9112 9.6)', async () => {
  let isFrequent = false;
  const freezing = {
    afterInput: () => Promise.resolve(),
    expectsMore: () => isFrequent,
    onIdle: () => undefined,
    onTaken: () => undefined,
  };
  const kept = new KeptConnections({ resends: true, freezing });
  const forwarder = await forwarding.start(dialer, { kept });
  const client = forwarding.client(forwarder);
  client.send(POST);
  const side = await dialer.side(0);
  expect(await side.request()).toMatch(/\r\nConnection: close\r\n/);
  // A second message begins before the response.
  isFrequent = true;
  side.respond(OK);
  await client.until('ok');
  expect(kept.size).toBe(0);
});

it('does not keep a connection that has not taken the whole request', async () => {
  const client = await start();
  await exchange(client);
  const [side] = dialer.sides;
  side!.cork();
  client.received = '';
  client.send(POST);
  await turns(() => side!.writableLength > 0);
  side!.respond(OK);
  await client.until('ok');
  expect(side!.destroyed).toBe(true);
});

it('sends a request at most twice: a new connection is not replaced', async () => {
  const client = await start();
  await exchange(client);
  client.received = '';
  client.send(POST);
  await dialer.sides[0]!.request();
  dialer.sides[0]!.resetUnread();
  const second = await dialer.side(1);
  await second.request();
  second.resetUnread();
  expect(await client.until('}}\n')).toMatch(/"reason":"reset"/);
  expect(dialer.sides).toHaveLength(2);
});

describe('a body after its head', () => {
  const [head, body] = POST.split(/(?<=\r\n\r\n)/) as [string, string];
  const REAL = ['nextTick', 'queueMicrotask', 'setImmediate', 'performance', 'Date'] as const;
  afterEach(() => void jest.useRealTimers());

  it.each([0, 5])('%i ms later can use a kept connection', async (late) => {
    const client = await start();
    await exchange(client);
    jest.useFakeTimers({ doNotFake: [...REAL] });
    client.send(head);
    await turns(() => jest.getTimerCount() > 0);
    jest.advanceTimersByTime(late);
    await turns(() => jest.getTimerCount() > (late > 0 ? 1 : 0));
    client.send(body);
    await turns(() => dialer.sides[0]!.written.length > 0);
    expect(dialer.sides[0]!.written).toEqual([SEEN]);
    expect(dialer.sides).toHaveLength(1);
  });

  it('follows over a new connection if it is late', async () => {
    const client = await start();
    await exchange(client);
    jest.useFakeTimers({ doNotFake: [...REAL] });
    client.send(head);
    await turns(() => jest.getTimerCount() > 0);
    // The reader gives the connection to Node, and the delivery waits for the body.
    jest.advanceTimersByTime(5);
    await turns(() => jest.getTimerCount() > 1);
    jest.advanceTimersByTime(20);
    await turns(() => dialer.sides[1]?.written.length === 1);
    client.send(body);
    await turns(() => dialer.sides[1]!.written.length === 2);
    expect(dialer.sides[1]!.written.join('')).toBe(SEEN);
  });

  it.each([0, 5])('does not follow, so that no request is sent: %i ms', async (late) => {
    const kept = new KeptConnections({ resends: true });
    const forwarder = await forwarding.start(dialer, { kept });
    const client = forwarding.client(forwarder);
    jest.useFakeTimers({ doNotFake: [...REAL] });
    client.send(head);
    await turns(() => jest.getTimerCount() > 0);
    jest.advanceTimersByTime(late);
    await turns(() => late === 0 || forwarder.counters.active > 0);
    client.socket.destroy();
    await turns(() => jest.getTimerCount() === 0);
    jest.advanceTimersByTime(100);
    await turns(() => forwarder.counters.active === 0);
    expect(dialer.sides).toHaveLength(0);
  });
});

/** Lets the event loop turn until the condition holds, without timers. */
async function turns(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

it.each([
  [
    'does not fit into one segment',
    POST.replace('abc', 'a'.repeat(1_400)).replace(': 3', ': 1400'),
  ],
  [
    'asks for another protocol',
    'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  ],
  ['waits for a 100', POST.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n')],
])('takes a new connection for a request that %s', async (_, request) => {
  const client = await start();
  await exchange(client);
  client.send(request);
  await (await dialer.side(1)).request();
});

it('closes the connections when the listener closes', async () => {
  const forwarder = await forwarding.start(dialer, {
    kept: new KeptConnections({ resends: true }),
  });
  await exchange(forwarding.client(forwarder));
  await forwarder.close({ graceMs: 0 });
  expect(dialer.sides[0]!.hasEnded).toBe(true);
});

it('does not keep the connection of a response that came before the whole request', async () => {
  const client = await start();
  client.send('POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\nabc');
  const side = await dialer.side(0);
  await side.request();
  side.respond(OK);
  await client.until('ok');
  expect(side.destroyed).toBe(true);
});

it('keeps a connection although the client reads slowly', async () => {
  const client = await start();
  client.socket.pause();
  client.send(POST);
  const side = await dialer.side(0);
  await side.request();
  const size = 8 * 1024 * 1024;
  side.respond(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
  side.push(Buffer.alloc(size, 'x'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.socket.resume();
  await client.until(/x{1000}$/);
  while (client.received.length < size) await new Promise(setImmediate);
  await exchange(client);
  expect(dialer.sides).toHaveLength(1);
});
