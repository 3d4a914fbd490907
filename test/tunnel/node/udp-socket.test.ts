import { once } from 'node:events';

import type { UdpSocket } from '../../../src/tunnel/node/udp-socket.js';
import {
  FAR,
  FAR_IPV6,
  NEAR,
  serveNames,
  thrownCode,
  TwoTunnels,
} from '../../support/pairs/two-tunnels.js';

let world: TwoTunnels;

beforeEach(async () => {
  world = new TwoTunnels();
  await world.open();
});
afterEach(() => world.close());

/** Answers datagrams to port 7 of the far end. */
function echo(): UdpSocket {
  const socket = world.far.createUdpSocket((payload, { port, address }) => {
    socket.send(payload, port, address);
  });
  return socket.bind(7);
}

it.each([
  [FAR, 'IPv4'],
  [FAR_IPV6, 'IPv6'],
])(
  'sends without a bound port, and reports the sender of the answer: %s',
  async (address, family) => {
    echo();
    const socket = world.near.createUdpSocket();
    const sent = new Promise((resolve) => {
      socket.send('ping', 7, address, (...outcome) => resolve(outcome));
    });
    const [payload, remote] = await world.event(socket, 'message');
    expect(String(payload)).toBe('ping');
    expect(remote).toEqual({ address, family, port: 7, size: 4 });
    expect(await sent).toEqual([null, 4]);
    expect(socket.address().port).toBeGreaterThanOrEqual(49_152);
  },
);

it('sends to names', async () => {
  serveNames(world.far, { 'echo.test': [FAR] });
  echo();
  const socket = world.near.createUdpSocket();
  socket.send(Buffer.from('ping'), 7, 'echo.test');
  expect(String((await world.event(socket, 'message'))[0])).toBe('ping');
  socket.send('ping', 7, 'none.test');
  expect(await world.error(socket)).toMatchObject({ code: 'ENOTFOUND', hostname: 'none.test' });
});

it('keeps its port when it is connected, and receives only from that end', async () => {
  echo();
  const heard: string[] = [];
  const socket = world.near.createUdpSocket((payload) => heard.push(String(payload)));
  socket.bind(5_000, NEAR);
  await world.event(socket, 'listening');
  expect(socket.address()).toEqual({ address: NEAR, family: 'IPv4', port: 5_000 });
  await world.event(socket.connect(7, FAR), 'connect');
  expect(socket.address().port).toBe(5_000);
  expect(socket.remoteAddress()).toEqual({ address: FAR, family: 'IPv4', port: 7 });
  world.far.createUdpSocket().send('stranger', 5_000, NEAR);
  socket.send('one');
  await world.pass(100);
  expect(heard).toEqual(['one']);
});

it('reports ICMP errors if it is connected', async () => {
  const socket = world.near.createUdpSocket();
  await world.event(socket.connect(9, FAR), 'connect');
  socket.send('unread');
  expect(await world.error(socket)).toMatchObject({
    message: `recv ECONNREFUSED ${FAR}:9`,
    code: 'ECONNREFUSED',
    syscall: 'recv',
    address: FAR,
    port: 9,
  });
  const other = world.near.createUdpSocket();
  other.send('unread', 9, FAR);
  await world.pass(100);
});

it('reports why it does not send', async () => {
  const socket = world.near.createUdpSocket();
  const outcome = (length: number, address: string): Promise<unknown> =>
    new Promise((resolve) => socket.send(new Uint8Array(length), 7, address, resolve));
  expect(await outcome(1, '192.0.2.1')).toMatchObject({ code: 'ENETUNREACH', syscall: 'send' });
  expect(await outcome(1_393, FAR)).toMatchObject({ code: 'EMSGSIZE' });
  expect(await outcome(1_392, FAR)).toBeNull();
  expect(await outcome(1_373, FAR_IPV6)).toMatchObject({ code: 'EMSGSIZE' });
  socket.send('x', 7, '192.0.2.1');
  expect(await world.error(socket)).toMatchObject({ code: 'ENETUNREACH' });
});

it.each([
  ['EADDRINUSE', 5_000, undefined],
  ['EADDRNOTAVAIL', 5_000, '10.0.0.3'],
])('cannot be bound: %s', async (code, port, address) => {
  world.near.createUdpSocket().bind(5_000);
  const socket = world.near.createUdpSocket().bind(port, address);
  expect(await world.error(socket)).toMatchObject({ code, syscall: 'bind', port });
});

it('reports that all ports are in use, and works after one is free', async () => {
  const last = world.near.createUdpSocket();
  // RFC 6335 6: the dynamic ports.
  for (let port = 49_152; port < 65_535; port++) world.near.createUdpSocket().bind(port);
  last.bind(65_535);

  const bound = world.near.createUdpSocket().bind();
  expect(await world.error(bound)).toMatchObject({ code: 'EADDRINUSE', syscall: 'bind' });
  const sending = world.near.createUdpSocket();
  const outcome = new Promise((resolve) => sending.send('x', 7, FAR, resolve));
  expect(await world.run(outcome)).toMatchObject({ code: 'EADDRINUSE', syscall: 'bind' });
  const connected = world.near.createUdpSocket();
  connected.connect(7, FAR);
  expect(await world.error(connected)).toMatchObject({
    message: `connect EADDRINUSE ${FAR}:7`,
    code: 'EADDRINUSE',
    syscall: 'connect',
    address: FAR,
    port: 7,
    cause: { message: 'all UDP ports are in use' },
  });

  last.close();
  await world.event(connected.connect(7, FAR), 'connect');
  expect(connected.address().port).toBe(65_535);
});

it('cannot connect from an address of one family to the other', async () => {
  const socket = world.near.createUdpSocket().bind(5_000, NEAR);
  socket.connect(7, FAR_IPV6);
  expect(await world.error(socket)).toMatchObject({
    message: `connect EADDRNOTAVAIL ${FAR_IPV6}:7`,
    code: 'EADDRNOTAVAIL',
  });
});

it('throws for calls that its state does not allow', async () => {
  const socket = world.near.createUdpSocket();
  expect(thrownCode(() => socket.send('x'))).toBe('ERR_SOCKET_DGRAM_NOT_CONNECTED');
  expect(thrownCode(() => socket.address())).toBe('EBADF');
  expect(thrownCode(() => socket.remoteAddress())).toBe('ERR_SOCKET_DGRAM_NOT_CONNECTED');
  socket.bind();
  expect(thrownCode(() => socket.bind())).toBe('ERR_SOCKET_ALREADY_BOUND');
  socket.connect(7, FAR);
  expect(thrownCode(() => socket.connect(7, FAR))).toBe('ERR_SOCKET_DGRAM_IS_CONNECTED');
  await world.event(socket, 'connect');
  expect(thrownCode(() => socket.send('x', 7, FAR))).toBe('ERR_SOCKET_DGRAM_IS_CONNECTED');
  await world.event(socket.close(), 'close');
  expect(thrownCode(() => socket.send('x'))).toBe('ERR_SOCKET_DGRAM_NOT_RUNNING');
  expect(thrownCode(() => socket.close())).toBe('ERR_SOCKET_DGRAM_NOT_RUNNING');
});

it('does not receive datagrams after it is closed', async () => {
  const heard: string[] = [];
  const socket = world.near.createUdpSocket((payload) => {
    heard.push(String(payload));
    socket.close();
  });
  socket.bind(5_000);
  const other = world.far.createUdpSocket();
  other.send('one', 5_000, NEAR);
  other.send('two', 5_000, NEAR);
  await world.pass(100);
  expect(heard).toEqual(['one']);
});

it('frees its port, and closes with the tunnel', async () => {
  await world.event(world.near.createUdpSocket().bind(5_000).close(), 'close');
  const socket = world.near.createUdpSocket().bind(5_000);
  await world.event(socket, 'listening');
  const closed = once(socket, 'close');
  await world.near.close();
  await closed;
});
