/** A TCP socket of the tunnel behaves as a socket of node:net does. */
import { once } from 'node:events';

import { jest } from '@jest/globals';

import { Stack } from '../../../src/netstack/stack.js';
import type { TcpConnection } from '../../../src/netstack/tcp/connection.js';
import { DialError } from '../../../src/proxy/dialer.js';
import { DialledConnection } from '../../../src/tunnel/node/dialled-connection.js';
import type { TcpServer } from '../../../src/tunnel/node/tcp-server.js';
import { TcpSocket } from '../../../src/tunnel/node/tcp-socket.js';
import type { UserspaceTunnel } from '../../../src/tunnel/userspace-tunnel.js';
import {
  FAR,
  FAR_IPV6,
  NEAR,
  readText,
  thrownCode,
  TwoTunnels,
} from '../../support/pairs/two-tunnels.js';

let world: TwoTunnels;

beforeEach(async () => {
  world = new TwoTunnels();
  await world.open();
});
afterEach(() => world.close());

/** Sockets that are still open when the tunnels close fail; these errors are ignored here. */
function connect(...parameters: Parameters<UserspaceTunnel['connect']>): TcpSocket {
  return world.near.connect(...parameters).on('error', () => undefined);
}

function listen(...parameters: Parameters<UserspaceTunnel['listen']>): TcpServer {
  const server = world.far.listen(...parameters);
  return server.on('connection', (socket) => socket.on('error', () => undefined));
}

it('queues writes until it is connected, and emits ’connect', async () => {
  const events: string[] = [];
  const server = listen({ port: 80 }, (other) => other.end('bye'));
  const socket = connect({ host: FAR, port: 80 }, () => events.push('listener'));
  for (const name of ['connect', 'ready', 'end', 'close']) {
    socket.on(name, () => events.push(name));
  }
  expect(socket).toMatchObject({ connecting: true, pending: true, readyState: 'opening' });
  expect(socket.info()).toBeUndefined();
  expect(socket.address()).toEqual({});
  socket.write('early');
  expect(socket.bytesWritten).toBe(5);
  const [other] = (await world.event(server, 'connection')) as [TcpSocket];
  const heard = readText(other);
  expect(await world.run(readText(socket))).toBe('bye');
  expect(await world.run(heard)).toBe('early');
  await world.pass(10);
  expect(events).toEqual(['listener', 'connect', 'ready', 'end', 'close']);
});

it('ends in an orderly way even if it was ended before it was connected', async () => {
  const server = listen({ port: 80 });
  const socket = connect({ host: FAR, port: 80 });
  socket.end();
  const closed = once(socket.resume(), 'close');
  const [other] = (await world.event(server, 'connection')) as [TcpSocket];
  expect(await world.run(readText(other))).toBe('');
  expect(await world.run(closed)).toEqual([false]);
});

it.each([
  [FAR, NEAR, 'IPv4'],
  [FAR_IPV6, 'fd00:77::2', 'IPv6'],
])('reports both addresses, and counts bytes: %s', async (host, localAddress, family) => {
  const server = listen({ port: 80 });
  const socket = connect({ host, port: '80' });
  const connected = once(socket, 'connect');
  const [other] = (await world.event(server, 'connection')) as [TcpSocket];
  await world.run(connected);
  expect(socket).toMatchObject({
    connecting: false,
    pending: false,
    readyState: 'open',
    localAddress,
    localFamily: family,
    localPort: other.remotePort,
    remoteAddress: host,
    remoteFamily: family,
    remotePort: 80,
  });
  expect(socket.address()).toEqual({
    address: localAddress,
    family,
    port: socket.localPort,
  });
  socket.write(Buffer.alloc(100_000));
  other.resume();
  await world.pass(1_000);
  expect(socket.bytesWritten).toBe(100_000);
  expect(other.bytesRead).toBe(100_000);
  expect(socket.info()).toMatchObject({ state: 'ESTABLISHED', mss: expect.any(Number) as number });
  expect(socket.info()!.delivered).toBeGreaterThan(0);
});

it('ends its own direction after the other, unless allowHalfOpen is set', async () => {
  const plain = await world.pair();
  plain.socket.resume();
  plain.other.end();
  await world.event(plain.socket, 'close');
  expect(plain.socket.writableFinished).toBe(true);

  const half = await world.pair({ allowHalfOpen: true });
  half.socket.resume();
  half.other.end();
  await world.event(half.socket, 'end');
  await world.pass(1_000);
  expect(half.socket.readyState).toBe('writeOnly');
  half.socket.end('after');
  expect(await world.run(readText(half.other))).toBe('after');
});

it('fails a write with EPIPE after both ends have ended', async () => {
  const { socket, other } = await world.pair();
  socket.resume();
  // Unread data keeps the socket open.
  socket.write(Buffer.alloc(16 * 1024 * 1024));
  other.end();
  await world.event(socket, 'end');
  await new Promise((resolve) => setImmediate(resolve));
  const failed = new Promise((resolve) => socket.once('error', resolve));
  const written = new Promise((resolve) => socket.write('late', resolve));
  const expected = { code: 'EPIPE', syscall: 'write', address: FAR, port: 80 };
  expect(await failed).toMatchObject(expected);
  expect(await written).toMatchObject(expected);
});

const HOST = {
  now: () => 0,
  schedule: () => undefined,
  beforeDrain: (handler: () => void) => handler(),
  startTimer: () => ({ cancel: () => undefined }),
};

/** A connection to a server at the far end, and the server's socket. */
async function dial(): Promise<[DialledConnection, TcpSocket]> {
  const connectTcp = jest.spyOn(Stack.prototype, 'connectTcp');
  const used = await world.run(world.near.dialer.dial({ host: FAR, port: 80 }));
  if (!(used instanceof TcpSocket)) throw new Error('another kind of stream');
  const dialled = new DialledConnection(() => undefined);
  dialled.connection = connectTcp.mock.results[0]?.value as TcpConnection;
  connectTcp.mockRestore();
  return [dialled, used];
}

it('resets a connection that is established after the socket is destroyed', async () => {
  const server = listen({ port: 80 });
  const accepted = once(server, 'connection') as Promise<[TcpSocket]>;
  const [dialled, used] = await dial();
  const [other] = await accepted;
  const failure = world.error(other);
  const socket = new TcpSocket({ ...HOST, schedule: () => void used.setNoDelay() });
  socket.connectBy(() => Promise.resolve(dialled));
  socket.destroy();
  expect(await failure).toMatchObject({ code: 'ECONNRESET' });
});

it('fails if the connection is lost before the socket takes it over', async () => {
  listen({ port: 80 });
  const [dialled, used] = await dial();
  used.resetAndDestroy();
  await world.pass(10);
  dialled.observer.closed('reset');
  const socket = new TcpSocket(HOST);
  const connected = jest.fn();
  socket.on('connect', connected).connectBy(() => Promise.resolve(dialled));
  expect(await world.error(socket)).toMatchObject({ code: 'ECONNRESET', address: FAR, port: 80 });
  expect(connected).not.toHaveBeenCalled();
  expect(socket.connecting).toBe(false);
});

it('ends if the other side has ended before the socket takes the connection over', async () => {
  listen({ port: 80 });
  const [dialled] = await dial();
  dialled.observer.remoteClosed();
  const socket = new TcpSocket(HOST).on('error', () => undefined);
  const events: string[] = [];
  for (const name of ['connect', 'end']) socket.on(name, () => events.push(name));
  socket.connectBy(() => Promise.resolve(dialled));
  await world.event(socket.resume(), 'end');
  expect(events).toEqual(['connect', 'end']);
});

it.each([
  [undefined, 2],
  [false, 1],
])('delays small segments according to noDelay %p', async (noDelay, bytes) => {
  const server = listen({ port: 80 });
  const socket = connect({ host: FAR, port: 80, ...(noDelay !== undefined && { noDelay }) });
  const [other] = (await world.event(server, 'connection')) as [TcpSocket];
  other.resume();
  // An acknowledgement of the first octet is delayed for longer.
  for (const text of ['a', 'b']) {
    socket.write(text);
    await world.pass(10);
  }
  expect(other.bytesRead).toBe(bytes);
  await world.pass(1_000);
  expect(other.bytesRead).toBe(2);
});

it('soon destroys a socket that still has queued data', async () => {
  const { socket, other } = await world.pair();
  const heard = readText(other);
  socket.write('all of it');
  socket.destroySoon();
  expect(await world.run(heard)).toBe('all of it');
  await world.pass(10);
  expect(socket.destroyed).toBe(true);
});

it.each([
  ['ECONNREFUSED', FAR, 81, 'refused'],
  ['ENETUNREACH', '192.0.2.1', 80, 'no-route'],
  ['ETIMEDOUT', '100.127.1.1', 80, undefined],
])('cannot connect: %s', async (code, host, port, reason) => {
  // Datagrams to an unused address get no answer.
  const socket = connect({ host, port });
  const error = (await world.error(socket)) as Error;
  expect(error).toMatchObject({
    message: `connect ${code} ${host}:${port}`,
    code,
    syscall: 'connect',
    address: host,
    port,
    errno: expect.any(Number) as number,
  });
  expect(error.cause).toBeInstanceOf(DialError);
  if (reason !== undefined) expect(error.cause).toMatchObject({ reason });
  expect(socket.readyState).toBe('closed');
});

it('distinguishes a silent tunnel from a silent target', async () => {
  world.world.link.connected = false;
  const socket = connect({ host: FAR, port: 80 });
  expect(await world.error(socket)).toMatchObject({
    code: 'ETIMEDOUT',
    cause: { reason: 'no-handshake', silence: 'no-answer', cause: { name: 'TunnelError' } },
  });
});

it('fails with ECONNABORTED when the tunnel closes', async () => {
  const { socket } = await world.pair();
  const failure = world.error(socket);
  const dial = world.error(connect({ host: '100.127.1.1', port: 80 }));
  await world.pass(100);
  await world.near.close();
  expect(await failure).toMatchObject({ code: 'ECONNABORTED', syscall: 'read' });
  expect(await dial).toMatchObject({ code: 'ECONNABORTED', syscall: 'connect' });
  const late = connect({ host: FAR, port: 80 });
  expect(await world.error(late)).toMatchObject({ code: 'ECONNABORTED' });
});

it('is aborted by a signal, during and after the connect', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const dialling = connect({ host: '100.127.1.1', port: 80, signal });
  const server = listen({ port: 80 });
  const open = connect({ host: FAR, port: 80, signal });
  await world.event(server, 'connection');
  await world.pass(100);
  const failures = Promise.all([world.error(dialling), world.error(open)]);
  controller.abort();
  expect(await failures).toMatchObject([{ name: 'AbortError' }, { name: 'AbortError' }]);
  await world.pass(100);
  const sent = world.world.link.sent.length;
  const late = connect({ host: FAR, port: 80, signal });
  expect(await world.error(late)).toMatchObject({ name: 'AbortError' });
  await world.pass(100);
  expect(world.world.link.sent).toHaveLength(sent);
});

it('emits ’timeout’ once when idle, and again after a byte', async () => {
  const { socket, other } = await world.pair();
  let timeouts = 0;
  socket.on('timeout', () => timeouts++).setTimeout(1_000);
  expect(socket.timeout).toBe(1_000);
  socket.resume();
  await world.pass(800);
  socket.write('out');
  await world.pass(800);
  other.write('in');
  await world.pass(800);
  expect(timeouts).toBe(0);
  await world.pass(2_000);
  expect(timeouts).toBe(1);
  socket.write('out');
  await world.pass(1_500);
  expect(timeouts).toBe(2);
  socket.setTimeout(0).write('out');
  await world.pass(1_500);
  expect(timeouts).toBe(2);
  expect(socket.destroyed).toBe(false);
  socket.setTimeout(1_000).destroy();
  await world.pass(1_500);
  expect(timeouts).toBe(2);
});

it('probes a silent peer if keepAlive is set before it connects', async () => {
  const server = listen({ port: 80 });
  const options = { keepAlive: true, keepAliveInitialDelay: 5_000, noDelay: false };
  const socket = connect({ host: FAR, port: 80, ...options });
  await world.event(server, 'connection');
  await world.pass(100);
  const failure = new Promise((resolve) => socket.once('error', resolve));
  world.world.link.connected = false;
  await world.pass(14_000);
  expect(socket.destroyed).toBe(false);
  await world.pass(3_000);
  expect(await failure).toMatchObject({ code: 'ETIMEDOUT' });
});

it('stops its probes', async () => {
  const { socket } = await world.pair();
  socket.setKeepAlive(true, 1_000).setKeepAlive(false);
  world.world.link.connected = false;
  await world.pass(20_000);
  expect(socket.destroyed).toBe(false);
});

it.each([0, 65_536, -1, 1.5, '', 'http'])('throws for port %p', (port) => {
  expect(thrownCode(() => world.near.connect({ host: FAR, port }))).toBe('ERR_SOCKET_BAD_PORT');
});

it.each([undefined, '', null])(
  'throws for the host %p, because a tunnel has no localhost',
  (host) => {
    const code = thrownCode(() => world.near.connect({ host: host as string, port: 80 }));
    expect(code).toBe('ERR_INVALID_ARG_TYPE');
  },
);
