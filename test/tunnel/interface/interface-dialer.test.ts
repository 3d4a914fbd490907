import { createSocket, type Socket as DgramSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

import {
  type BoundSockets,
  interfaceDialers,
  type TunnelInterface,
} from '../../../src/tunnel/interface/interface-dialer.js';
import { boundSockets } from '../../../src/system/network/bound-sockets.js';
import { systemClock } from '../../../src/system/clock.js';
import { systemEntropy } from '../../../src/system/entropy.js';
import { silentLog } from '../../support/fakes/silent-log.js';
import { systemError } from '../../support/fakes/memory-network.js';

const INTERFACE: TunnelInterface = {
  name: 'soratun0',
  addresses: ['127.0.0.2'],
  allowedIps: ['127.0.0.0/8', 'not a prefix', 'fd00::/8'],
  mtu: 1420,
  nameServers: [],
};

let server: Server;
let udp: DgramSocket;
/** What the system would use as the source address. */
let source: string | Error;
let sockets: BoundSockets;

beforeEach(async () => {
  source = '127.0.0.2';
  server = createServer((socket) => socket.end(socket.remoteAddress ?? ''));
  server.listen(0, '127.0.0.3');
  await once(server, 'listening');
  udp = createSocket('udp4', (message, from) =>
    udp.send(`${from.address} ${message.toString()}`, from.port, from.address),
  );
  await once(udp.bind(0, '127.0.0.3'), 'listening');
  sockets = {
    ...boundSockets,
    sourceOf: () => (typeof source === 'string' ? Promise.resolve(source) : Promise.reject(source)),
  };
});
afterEach(() => {
  server.close();
  udp.close();
});

const dialers = (changes: Partial<TunnelInterface> = {}) =>
  interfaceDialers({ ...INTERFACE, ...changes }, sockets, {
    clock: systemClock,
    entropy: systemEntropy,
    log: silentLog,
  });
const target = (port = (server.address() as AddressInfo).port) => ({ host: '127.0.0.3', port });

it('connects from the address of the interface', async () => {
  const stream = await dialers().dialer.dial(target());
  const [bytes] = (await once(stream, 'data')) as [Buffer];
  expect(bytes.toString()).toBe('127.0.0.2');
  expect(stream.unacknowledgedBytes).toBe(0);
  stream.destroy();
});

it.each([
  ['192.0.2.1', '192.0.2.1 is outside the allowed IPs'],
  ['fe80::1', 'fe80::1 is outside the allowed IPs'],
])('refuses %s', async (host, message) => {
  const failure = { reason: 'no-route', message };
  await expect(dialers().dialer.dial({ host, port: 80 })).rejects.toMatchObject(failure);
  await expect(dialers().datagramDialer.open({ host, port: 53 })).rejects.toMatchObject(failure);
});

it.each(['127.0.0.1', '::ffff:0:0'])(
  'refuses a target that the system reaches from %s, so outside the interface',
  async (other) => {
    source = other;
    const failure = {
      reason: 'no-route',
      message: 'this system does not route 127.0.0.3 to soratun0',
    };
    await expect(dialers().dialer.dial(target())).rejects.toMatchObject(failure);
    await expect(dialers().datagramDialer.open(target())).rejects.toMatchObject(failure);
  },
);

it.each([
  ['ECONNREFUSED', 'refused'],
  ['ETIMEDOUT', 'timeout'],
  ['EHOSTUNREACH', 'unreachable'],
  ['EADDRNOTAVAIL', 'not-ready'],
  ['EXYZ', 'unreachable'],
])('reports %s as %s', async (code, reason) => {
  sockets = { ...sockets, connect: () => Promise.reject(systemError('connect', code)) };
  await expect(dialers().dialer.dial(target())).rejects.toMatchObject({ reason });
});

it('reports that no route exists', async () => {
  source = systemError('connect', 'ENETUNREACH');
  await expect(dialers().dialer.dial(target())).rejects.toMatchObject({ reason: 'unreachable' });
});

it('rejects with the abort reason', async () => {
  const stop = new AbortController();
  sockets = {
    ...sockets,
    connect: (_local, _target, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
        setImmediate(() => stop.abort(new Error('stop')));
      }),
  };
  await expect(dialers().dialer.dial(target(), stop.signal)).rejects.toThrow('stop');
});

it('exchanges datagrams from the address of the interface', async () => {
  const channel = await dialers().datagramDialer.open(target(udp.address().port));
  expect(channel.maxPayload).toBe(1392);
  channel.send(Buffer.from('hello'));
  const answer = await channel.receive(60_000);
  expect(Buffer.from(answer!).toString()).toBe('127.0.0.2 hello');
  await expect(channel.receive(1)).resolves.toBeUndefined();
  expect(() => channel.send(Buffer.alloc(1393))).toThrow(RangeError);
  const waiting = channel.receive(60_000);
  channel.close();
  await expect(waiting).rejects.toMatchObject({ reason: 'closed' });
  expect(() => channel.send(Buffer.of(1))).toThrow('the channel is closed');
});

it('reports a closed UDP port', async () => {
  const closed = createSocket('udp4');
  await once(closed.bind(0, '127.0.0.3'), 'listening');
  const { port } = closed.address();
  closed.close();
  const channel = await dialers().datagramDialer.open(target(port));
  channel.send(Buffer.from('hello'));
  await expect(channel.receive(60_000)).rejects.toMatchObject({
    reason: 'refused',
    message: `UDP port ${port} on the target is closed`,
  });
  channel.close();
});

it('finds the source address that the system would use', async () => {
  await expect(boundSockets.sourceOf('127.0.0.1')).resolves.toBe('127.0.0.1');
});
