import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

import { connectThrough, tryListen } from '../../../src/system/network/probe-listener.js';

const TARGET = { host: '100.127.69.42', port: 80 };
let server: Server;
let asked: string[];
let sockets: Set<Socket>;

async function listen(made: Server): Promise<string> {
  server = made;
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A proxy that sends this response to CONNECT. */
function proxy(answer: string): Promise<string> {
  const made = http.createServer();
  made.on('connect', ({ url = '' }, socket) => {
    asked.push(url);
    socket.on('error', () => undefined);
    socket.end(answer);
  });
  return listen(made);
}

beforeEach(() => {
  asked = [];
  sockets = new Set();
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  if (!server.listening) return;
  server.close();
  await once(server, 'close');
});

it('reports a port that is in use, and leaves a free one free', async () => {
  const [, port] = (await listen(createServer())).split(':');
  expect(await tryListen('127.0.0.1', Number(port))).toMatchObject({ code: 'EADDRINUSE' });
  server.close();
  await once(server, 'close');
  expect(await tryListen('127.0.0.1', Number(port))).toBeUndefined();
  expect(await tryListen('127.0.0.1', Number(port))).toBeUndefined();
});

it('reports an address that this machine does not have', async () => {
  expect(await tryListen('192.0.2.1', 0)).toMatchObject({ code: 'EADDRNOTAVAIL' });
  await listen(createServer());
});

it('opens a connection through a proxy, and closes it', async () => {
  const authority = await proxy('HTTP/1.1 200 Connection Established\r\n\r\n');
  expect(await connectThrough(authority, TARGET, 5_000)).toEqual({ isOpen: true });
  expect(asked).toEqual(['100.127.69.42:80']);
  for (const socket of sockets) if (!socket.closed) await once(socket, 'close');
});

it('returns the reason in the error response of the proxy', async () => {
  const body = JSON.stringify({ error: { reason: 'refused', message: 'the target refused' } });
  const head = `HTTP/1.1 502 Bad Gateway\r\nContent-Length: ${body.length}\r\n\r\n`;
  const authority = await proxy(`${head}${body}`);
  expect(await connectThrough(authority, TARGET, 5_000)).toEqual({
    isOpen: false,
    reason: 'refused',
    why: 'the target refused',
  });
});

it.each(['', 'not JSON', '[]', '{"error":{"reason":1}}', '"text"', 'null'])(
  'accepts any body: %j',
  async (body) => {
    const authority = await proxy(`HTTP/1.1 407 Needs Password\r\n\r\n${body}`);
    expect(await connectThrough(authority, TARGET, 5_000)).toEqual({
      isOpen: false,
      reason: undefined,
      why: 'HTTP 407',
    });
  },
);

it('limits the size of the response', async () => {
  const authority = await proxy(`HTTP/1.1 502 Bad\r\n\r\n${'x'.repeat(200_000)}`);
  expect(await connectThrough(authority, TARGET, 5_000)).toMatchObject({
    why: 'the response of the proxy is too long',
  });
});

it('limits the wait for a silent proxy', async () => {
  const authority = await listen(createServer());
  expect(await connectThrough(authority, TARGET, 50)).toEqual({
    isOpen: false,
    reason: undefined,
    why: 'the proxy did not answer within 0.05 s',
  });
});

it('reports a proxy that is gone', async () => {
  const authority = await listen(createServer());
  server.close();
  await once(server, 'close');
  const answer = await connectThrough(authority, TARGET, 5_000);
  expect(answer).toMatchObject({
    isOpen: false,
    why: expect.stringContaining('ECONNREFUSED') as string,
  });
});
