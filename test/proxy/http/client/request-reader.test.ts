import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

import { jest } from '@jest/globals';

import type { ClientMessage } from '../../../../src/proxy/http/client/client-message.js';
import { RequestReader } from '../../../../src/proxy/http/client/request-reader.js';
import { HEADERS_TIMEOUT } from '../../../../src/proxy/http/limits.js';
import { Cleanup, until } from '../../support/forwarding.js';
import { listen } from '../../support/scripted-server.js';
import { rawClient } from '../../support/wire.js';

const cleanup = new Cleanup();
afterEach(async () => {
  jest.useRealTimers();
  await cleanup.run();
});

const KEEP_ALIVE = 65_000;

/** A connection whose reader reports its calls. `seen.byNode` holds the bytes that Node would read. */
async function connection(keepAliveTimeout = KEEP_ALIVE) {
  const server = createServer({ allowHalfOpen: true });
  const client = rawClient(`http://127.0.0.1:${await listen(server)}`);
  cleanup.add(() => {
    client.socket.destroy();
    server.close();
  });
  const [socket] = (await once(server, 'connection')) as [Socket];
  const messages: ClientMessage[] = [];
  const events: string[] = [];
  const timeouts: number[] = [];
  const setTimeout = socket.setTimeout.bind(socket);
  socket.setTimeout = (timeout) => {
    timeouts.push(timeout);
    return setTimeout(timeout);
  };
  const seen = { byNode: '' };
  const reader = new RequestReader(socket, {
    keepAliveTimeout,
    isForNode: ({ url }) => url === '/node',
    onRequest: (message) => {
      events.push(`request ${message.request.url!}`);
      messages.push(message);
    },
    onNode: () => {
      events.push('node');
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => (seen.byNode += bytes.toString('latin1')));
    },
    onSilence: () => void events.push('silence'),
  });
  return { client, socket, messages, events, seen, timeouts, reader };
}

const turn = (): Promise<void> => new Promise(setImmediate);

async function turns(): Promise<void> {
  for (let count = 0; count < 20; count++) await turn();
}

function post(path: string, body = 'abc'): string {
  return `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function respond({ response }: ClientMessage, body: string): void {
  response.sendDate = false;
  response.writeHead(200, 'OK', ['Content-Length', String(body.length)]);
  response.write(Buffer.from(body));
  response.end();
}

it('reads requests one after the other', async () => {
  const { client, messages, events } = await connection();
  for (const path of ['/1', '/2', '/3']) {
    client.send(post(path));
    await until(() => events.includes(`request ${path}`));
    expect((messages.at(-1)!.request.read() as Buffer).toString()).toBe('abc');
    expect(messages.at(-1)).toMatchObject({ expectsContinue: false, upgrades: false });
    respond(messages.at(-1)!, path);
    await client.until(`\r\n\r\n${path}`);
  }
  expect(events).toEqual(['request /1', 'request /2', 'request /3']);
});

it('waits for a body that follows its head, and then does not give the connection to Node', async () => {
  const { client, events, reader } = await connection();
  const [head, body] = post('/1').split(/(?<=\r\n\r\n)/);
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
  client.send(head!);
  await until(() => jest.getTimerCount() > 0);
  expect(reader.isIdle).toBe(false);
  jest.advanceTimersByTime(4);
  client.send(body!);
  await until(() => events.length > 0);
  expect(jest.getTimerCount()).toBe(0);
  expect(events).toEqual(['request /1']);
});

it('gives Node a request that it has waited for, without its bytes twice', async () => {
  const { client, events, seen } = await connection();
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
  client.send('POST / HTTP/1.1\r\n');
  await until(() => jest.getTimerCount() > 0);
  client.send('Host: a\r\nExpect: 100-continue\r\n\r\n');
  await until(() => seen.byNode.endsWith('\r\n\r\n'));
  expect(jest.getTimerCount()).toBe(0);
  expect(seen.byNode).toBe('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n');
  expect(events).toEqual(['node']);
});

it('gives Node a request whose rest is late, with all of its bytes', async () => {
  const { client, events, seen, reader, socket } = await connection();
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
  client.send('POST / HTTP/1.1\r\n');
  await until(() => jest.getTimerCount() > 0);
  client.send('Host: a\r\n');
  await until(() => socket.bytesRead === 'POST / HTTP/1.1\r\nHost: a\r\n'.length);
  expect(jest.getTimerCount()).toBe(1);
  jest.advanceTimersByTime(5);
  await until(() => events.length > 0);
  client.send('\r\n');
  await until(() => seen.byNode.endsWith('\r\n\r\n'));
  expect(seen.byNode).toBe('POST / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(events).toEqual(['node']);
  expect(reader.isIdle).toBe(false);
});

it.each([
  ['another kind of request', 'OPTIONS * HTTP/1.1\r\n'],
  ['a request that the listener leaves to Node', post('/node')],
  ['two requests at once', post('/1') + post('/2')],
])('gives Node %s, and what follows', async (_, text) => {
  const { client, events, seen, socket, timeouts } = await connection();
  client.send(text);
  await until(() => seen.byNode === text);
  client.send(post('/3'));
  await until(() => seen.byNode === text + post('/3'));
  expect(events).toEqual(['node']);
  expect(timeouts.at(-1)).toBe(0);
  expect(['timeout', 'end'].map((event) => socket.listenerCount(event))).toEqual([0, 1]);
});

describe('an empty line after a body (RFC 9112 2.2)', () => {
  it.each(['\n', '\r\n\r\n'])('is dropped: %j', async (line) => {
    const { client, events, messages, reader, socket } = await connection();
    client.send(post('/1'));
    await until(() => messages.length > 0);
    respond(messages[0]!, 'ok');
    await until(() => reader.isIdle);
    client.send(line);
    await until(() => socket.bytesRead === post('/1').length + line.length);
    await turns();
    expect(reader.isIdle).toBe(true);
    client.send(line + post('/2'));
    await until(() => events.length > 1);
    expect(events).toEqual(['request /1', 'request /2']);
  });
});

it('gives Node an empty line before the first request', async () => {
  const { client, events, seen } = await connection();
  client.send('\r\n');
  await until(() => seen.byNode === '\r\n');
  expect(events).toEqual(['node']);
});

it('reads the rest of a request that has arrived when its time is over', async () => {
  const { client, events, socket } = await connection();
  const [head, body] = post('/1').split(/(?<=\r\n\r\n)/);
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
  client.send(head!);
  await until(() => jest.getTimerCount() > 0);
  // As in a long turn: the rest arrives, the timer runs, and then the socket is read.
  socket.once('data', () => events.push('data'));
  jest.advanceTimersByTime(5);
  socket.emit('data', Buffer.from(body!));
  socket.emit('data', Buffer.from('POST /2'));
  await turns();
  expect(events).toEqual(['request /1', 'data']);
});

describe('a pipelined request', () => {
  it.each([
    ['that it reads', post('/2'), 'request /2'],
    ['for Node', post('/node'), 'node'],
  ])('%s waits for the response to the previous one', async (_, text, event) => {
    const { client, events, messages, socket } = await connection();
    client.send(post('/1'));
    await until(() => messages.length > 0);
    client.send(text);
    await until(() => socket.bytesRead === post('/1').length + text.length);
    await turns();
    expect(events).toEqual(['request /1']);
    respond(messages[0]!, 'ok');
    await until(() => events.length > 1);
    expect(events).toEqual(['request /1', event]);
  });

  it('of which a part has arrived is read when its rest arrives', async () => {
    const { client, events, messages, socket } = await connection();
    client.send(post('/1'));
    await until(() => messages.length > 0);
    client.send('POST /2');
    await until(() => socket.bytesRead > post('/1').length);
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    respond(messages[0]!, 'ok');
    await until(() => jest.getTimerCount() > 0);
    client.send(post('/2').slice('POST /2'.length));
    await until(() => events.length > 1);
    expect(events).toEqual(['request /1', 'request /2']);
  });

  it('does not follow the last response of a connection', async () => {
    const { client, events, messages, socket } = await connection();
    client.send(post('/1'));
    await until(() => messages.length > 0);
    client.send(post('/2'));
    await until(() => socket.bytesRead > post('/1').length);
    messages[0]!.response.shouldKeepAlive = false;
    respond(messages[0]!, 'ok');
    await until(() => !socket.writable);
    socket.emit('data', Buffer.from(post('/3')));
    await client.ended();
    expect(events).toEqual(['request /1']);
  });

  it('of any length is complete, although the client has to wait', async () => {
    const { client, messages, seen, socket } = await connection();
    const long = `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n${'a'.repeat(9e6)}`;
    client.send(post('/1'));
    await until(() => messages.length > 0);
    client.send(long);
    await until(() => socket.isPaused());
    const before = socket.bytesRead;
    await turns();
    expect(socket.bytesRead - before).toBeLessThan(1e6);
    respond(messages[0]!, 'ok');
    await until(() => seen.byNode.length >= long.length);
    expect(seen.byNode === long).toBe(true);
  });
});

describe('the timeout of a silent connection', () => {
  it(`is ${HEADERS_TIMEOUT / 1000} s before the first request`, async () => {
    const { client, events, socket, timeouts, reader } = await connection();
    expect(timeouts).toEqual([HEADERS_TIMEOUT]);
    expect(reader.isIdle).toBe(true);
    socket.emit('timeout');
    expect(events).toEqual(['silence']);
    client.send(post('/1'));
    await turns();
    expect(events).toEqual(['silence']);
  });

  it('is the keep-alive timeout after a response', async () => {
    const { client, events, messages, socket, timeouts, reader } = await connection();
    client.send(post('/1'));
    await until(() => messages.length > 0);
    socket.emit('timeout');
    expect(reader.isIdle).toBe(false);
    expect(socket.destroyed).toBe(false);
    respond(messages[0]!, 'ok');
    await client.until('ok');
    await until(() => reader.isIdle);
    expect(timeouts).toEqual([HEADERS_TIMEOUT, KEEP_ALIVE + 1_000]);
    socket.emit('timeout');
    expect(socket.destroyed).toBe(true);
    expect(events).toEqual(['request /1']);
  });

  it('does not exist after a response if only the client closes connections', async () => {
    const { client, messages, timeouts } = await connection(0);
    client.send(post('/1'));
    await until(() => messages.length > 0);
    expect(timeouts).toEqual([HEADERS_TIMEOUT, 0]);
  });
});

it('ends the connection when the client ends it in the middle of a request', async () => {
  const { client, events, socket } = await connection();
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
  client.send('POST /');
  await until(() => jest.getTimerCount() > 0);
  client.socket.end();
  await until(() => socket.closed);
  expect(jest.getTimerCount()).toBe(0);
  expect(events).toEqual([]);
});

it.each(['', 'POST /'])('survives a reset after %j', async (text) => {
  const { client, socket, events } = await connection();
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
  client.send(text);
  await until(() => socket.bytesRead === text.length && client.socket.localPort !== undefined);
  client.socket.resetAndDestroy();
  await until(() => socket.closed);
  expect(jest.getTimerCount()).toBe(0);
  expect(events).toEqual([]);
});
