import { once } from 'node:events';

import type { TcpSocket } from '../../../src/tunnel/node/tcp-socket.js';
import {
  FAR,
  NAME_SERVER,
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

it('reports its address, and the address of each client', async () => {
  const server = world.near.listen({ port: 8080, address: NEAR }, (socket) => {
    socket.end(`hello ${socket.remoteAddress}`);
  });
  await world.event(server, 'listening');
  expect(server.listening).toBe(true);
  expect(server.address()).toEqual({ address: NEAR, family: 'IPv4', port: 8080 });
  const socket = world.far.connect({ host: NEAR, port: 8080 });
  expect(await world.run(readText(socket))).toBe(`hello ${FAR}`);
});

it('binds a free port at all of its addresses', async () => {
  const server = world.far.listen({ port: 0 }, (socket) => socket.end(socket.localAddress));
  const { port, address, family } = server.address()!;
  expect(port).toBeGreaterThanOrEqual(49_152);
  expect([address, family]).toEqual(['::', 'IPv6']);
  expect(await world.run(readText(world.near.connect({ host: FAR, port })))).toBe(FAR);
  const other = world.near.connect({ host: NAME_SERVER, port });
  expect(await world.run(readText(other))).toBe(NAME_SERVER);
});

it.each([
  ['EADDRINUSE', { port: 80 }],
  ['EADDRNOTAVAIL', { port: 80, address: '10.0.0.3' }],
  ['EADDRNOTAVAIL', { port: 80, address: 'localhost' }],
])('cannot listen: %s', async (code, options) => {
  world.near.listen({ port: 80 });
  const server = world.near.listen(options);
  expect(server.address()).toBeNull();
  expect(await world.error(server)).toMatchObject({ code, syscall: 'listen', port: 80 });
});

it('throws for an invalid port', () => {
  expect(thrownCode(() => world.near.listen({ port: -1 }))).toBe('ERR_SOCKET_BAD_PORT');
});

it('refuses connections after close, and closes with its last connection', async () => {
  const server = world.far.listen({ port: 80 });
  const socket = world.near.connect({ host: FAR, port: 80 });
  const [other] = (await world.event(server, 'connection')) as [TcpSocket];
  let isOver = false;
  server.close(() => (isOver = true));
  await world.pass(100);
  expect(isOver).toBe(false);
  const count = new Promise((resolve) => server.getConnections((_error, value) => resolve(value)));
  expect(await count).toBe(1);
  const late = world.near.connect({ host: FAR, port: 80 });
  expect(await world.error(late)).toMatchObject({ code: 'ECONNREFUSED' });
  socket.resume().end();
  other.resume();
  await world.pass(100);
  expect(isOver).toBe(true);
  const again = new Promise((resolve) => server.close(resolve));
  expect(await again).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' });
});

it('frees the port for the next server', async () => {
  world.far.listen({ port: 80 }).close();
  const next = world.far.listen({ port: 80 });
  await world.event(next, 'listening');
});

it('closes with the tunnel', async () => {
  const server = world.near.listen({ port: 80 });
  const closed = once(server, 'close');
  await world.near.close();
  await closed;
  expect(server.listening).toBe(false);
});
