/** Port forwards with real sockets on this machine, and a fake network inside the tunnel. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DialError } from '../../../src/proxy/dialer.js';
import { parseForward, parsePlace } from '../../../src/proxy/port-forward/forward-spec.js';
import {
  PortForwards,
  requireDistinctForwards,
  requireLoopbackForwards,
} from '../../../src/proxy/port-forward/port-forwards.js';
import { openLocalTcp } from '../../../src/proxy/port-forward/tcp-forwards.js';
import type { ListenAddress } from '../../../src/proxy/listen-address.js';
import type { LocalForward } from '../../../src/proxy/port-forward/port-forward.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { until } from '../../support/until.js';
import { Side } from '../support/side.js';
import { thrownBy } from '../support/thrown.js';
import { FakeInnerNetwork } from './fake-inner-network.js';

const FROM = { host: '100.127.1.1', port: 5 };

let inner: FakeInnerNetwork;
let log: RecordingLog;
let forwards: PortForwards;
let folder: string;

beforeEach(() => {
  inner = new FakeInnerNetwork();
  log = new RecordingLog();
  forwards = new PortForwards({ network: Promise.resolve(inner), log });
  folder = mkdtempSync(join(tmpdir(), 'arctun-forwards-'));
});
afterEach(async () => {
  await forwards.close({ graceMs: 0 });
  rmSync(folder, { recursive: true });
});

async function local(text: string): Promise<{ host: string; port: number }> {
  const [{ listen } = { listen: '' }] = await forwards.open([parseForward('local', text)]);
  const [host = '', port = ''] = listen.split(':');
  return { host, port: Number(port) };
}

async function client(place: { host: string; port: number } | { path: string }): Promise<Socket> {
  const socket = connect(place).on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** A server on this machine for remote forwards, and its connections. */
async function service(at: number | string = 0): Promise<{ server: Server; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => undefined));
  });
  server.listen(typeof at === 'string' ? { path: at } : { port: at, host: '127.0.0.1' });
  await once(server, 'listening');
  return { server, sockets };
}

it('leads a local port to the target inside the tunnel', async () => {
  const socket = await client(await local('0:web.test:80'));
  socket.end('hello');
  await until(() => inner.dialled[0]?.side.hasEnded === true);
  const [{ target, side }] = inner.dialled as [(typeof inner.dialled)[0]];
  expect(target).toEqual({ host: 'web.test', port: 80 });
  expect(side.taken).toBe('hello');
  side.push('answer');
  side.push(null);
  expect(String((await once(socket, 'data'))[0])).toBe('answer');
  await until(() => forwards.active === 0);
  expect(forwards.list()).toMatchObject([
    { kind: 'local', protocol: 'tcp', target: 'web.test:80', connections: 1, sentBytes: 5 },
  ]);
});

it('waits for the tunnel with the dial, not with the port', async () => {
  let open: (network: FakeInnerNetwork) => void = () => undefined;
  const network = new Promise<FakeInnerNetwork>((resolve) => (open = resolve));
  const early = new PortForwards({ network, log });
  const [{ listen } = { listen: '' }] = await early.open([parseForward('local', '0:a:1')]);
  const socket = await client({ host: '127.0.0.1', port: Number(listen.split(':')[1]) });
  const gone = await client({ host: '127.0.0.1', port: Number(listen.split(':')[1]) });
  await until(() => early.active === 2);
  gone.resetAndDestroy();
  await until(() => early.active === 1);
  open(inner);
  await until(() => inner.dialled.length === 1);
  socket.destroy();
  await early.close({ graceMs: 0 });
});

it('resets the client at once if the dial fails', async () => {
  inner.refusal = new DialError('refused', 'the port is closed');
  const socket = connect(await local('0:web.test:80'));
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
  await until(() => forwards.active === 0);
  expect(forwards.list()).toMatchObject([{ failures: 1 }]);
  expect(log.messages('warn')).toEqual(['cannot connect to the target: the port is closed']);
});

it('leads a Unix socket that only this user can open to the target, and removes it', async () => {
  const path = join(folder, 'app.sock');
  await forwards.open([parseForward('local', `${path}:db:5432`)]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const socket = await client({ path });
  socket.write('x');
  await until(() => inner.dialled[0]?.side.taken === 'x');
  // A Unix socket has no RST: the client sees the end.
  inner.dialled[0]!.side.destroy(new Error('reset'));
  await once(socket, 'close');
  await forwards.remove([parsePlace('local', path)]);
  await until(() => !existsSync(path));
});

it('replaces the socket of a dead process, but neither a file nor a socket in use', async () => {
  const path = join(folder, 'app.sock');
  const dead = createServer().listen(path);
  await once(dead, 'listening');
  rmSync(path);
  const { server } = await service(path);
  const forward = parseForward('local', `${path}:db:5432`);
  await expect(forwards.open([forward])).rejects.toMatchObject({
    kind: 'failed',
    what: `cannot listen on ${path} (--local-forward)`,
    why: 'a program is listening on this path, or the path is not a socket',
  });
  server.close();
  dead.close();
  const file = join(folder, 'file');
  writeFileSync(file, 'precious');
  const onFile = forwards.open([parseForward('local', `${file}:db:5432`)]);
  await expect(onFile).rejects.toMatchObject({
    why: 'a program is listening on this path, or the path is not a socket',
  });
  expect(statSync(file).size).toBe(8);
  const missing = forwards.open([parseForward('local', `${folder}/no/a.sock:db:1`)]);
  await expect(missing).rejects.toMatchObject({ why: 'the folder does not exist' });
});

it('leads a port inside the tunnel to a service on this machine, with half-close', async () => {
  const { server, sockets } = await service();
  const { port } = server.address() as AddressInfo;
  await forwards.open([parseForward('remote', `2222:127.0.0.1:${port}`)]);
  const side = new Side();
  inner.tcpPorts.get(2222)!(side, FROM);
  side.push('hello');
  side.push(null);
  await until(() => sockets.length === 1);
  const [data] = (await once(sockets[0]!, 'data')) as [Buffer];
  expect(data.toString()).toBe('hello');
  sockets[0]!.end('answer');
  await until(() => side.fate === 'in order');
  expect(side.taken).toBe('answer');
  expect(forwards.list()).toMatchObject([
    { kind: 'remote', listen: '2222', sentBytes: 6, receivedBytes: 5, active: 0 },
  ]);
  server.close();
});

it('leads a port inside the tunnel to a Unix socket', async () => {
  const path = join(folder, 'app.sock');
  const { server, sockets } = await service(path);
  await forwards.open([parseForward('remote', `80:${path}`)]);
  const side = new Side();
  inner.tcpPorts.get(80)!(side, FROM);
  await until(() => sockets.length === 1);
  sockets[0]!.destroy();
  await until(() => side.hasEnded);
  server.close();
});

it('resets a connection from inside if the service does not listen', async () => {
  const { server } = await service();
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await forwards.open([parseForward('remote', `80:127.0.0.1:${port}`)]);
  const side = new Side();
  inner.tcpPorts.get(80)!(side, FROM);
  await until(() => side.fate === 'reset');
  expect(log.lines.find(({ level }) => level === 'warn')).toMatchObject({
    fields: { reason: 'refused', client: '100.127.1.1:5', target: `127.0.0.1:${port}` },
  });
});

it('carries UDP from a local port, and drops datagrams over the MTU', async () => {
  const { host, port } = await local('0:dns.test:53/udp');
  const socket = createSocket('udp4');
  socket.connect(port, host);
  await once(socket, 'connect');
  socket.send('ask');
  await until(() => inner.channels[0]?.sent.length === 1);
  const [channel] = inner.channels;
  expect(channel).toMatchObject({ target: { host: 'dns.test', port: 53 }, sent: ['ask'] });
  socket.send('too long');
  await until(() => forwards.list()[0]?.dropped === 1);
  expect(channel?.isClosed).toBe(false);
  channel?.handlers?.onDatagram(Buffer.from('yes'));
  expect(String((await once(socket, 'message'))[0])).toBe('yes');
  channel!.failure = new DialError('exhausted', 'full');
  socket.send('c');
  await until(() => forwards.list()[0]?.dropped === 2);
  channel!.failure = new DialError('unreachable', 'the address is gone');
  socket.send('d');
  await until(() => channel?.isClosed === true);
  socket.close();
  expect(forwards.list()).toMatchObject([{ protocol: 'udp', failures: 1, active: 0, dropped: 3 }]);
});

it('carries UDP from inside, with a local socket for each remote address and port', async () => {
  const echo = createSocket('udp4', (payload, { port, address }) => {
    echo.send(`${payload.toString()}!`, port, address);
  });
  echo.bind(0, '127.0.0.1');
  await once(echo, 'listening');
  await forwards.open([parseForward('remote', `7:${echo.address().port}/udp`)]);
  const receive = inner.udpPorts.get(7)!;
  receive(Buffer.from('a'), FROM);
  receive(Buffer.from('b'), { ...FROM, port: 6 });
  await until(() => inner.sent.length === 2);
  expect([...inner.sent].sort()).toEqual(['100.127.1.1:5 a!', '100.127.1.1:6 b!']);
  expect(forwards.active).toBe(2);
  await new Promise<void>((resolve) => echo.close(resolve));
  // The kernel reports the closed port for the next datagram.
  receive(Buffer.from('c'), FROM);
  await until(() => forwards.active === 1);
  expect(log.messages('warn')).toHaveLength(1);
});

it('lets open connections continue after the removal of their forward', async () => {
  const place = await local('0:web.test:80');
  const socket = await client(place);
  await until(() => inner.dialled.length === 1);
  const [removed] = await forwards.remove([parsePlace('local', `${place.port}`)]);
  expect(removed).toMatchObject({ listen: `127.0.0.1:${place.port}`, active: 1 });
  expect(forwards.list()).toEqual([]);
  const refused = connect(place);
  expect((await once(refused, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' });
  socket.write('still open');
  await until(() => inner.dialled[0]?.side.taken === 'still open');
  expect(forwards.active).toBe(1);
  // The end of the tunnel resets them.
  const failure = once(socket, 'error');
  await forwards.close({ graceMs: 0 });
  expect((await failure)[0]).toMatchObject({ code: 'ECONNRESET' });
});

it('opens none if one fails, and removes none if one is not open', async () => {
  const two = [parseForward('remote', '80:1'), parseForward('remote', '80:2')];
  await expect(forwards.open(two)).rejects.toMatchObject({
    kind: 'failed',
    what: 'cannot forward 80 to 127.0.0.1:2 (--remote-forward)',
    why: 'this port inside the tunnel is in use',
  });
  expect(forwards.list()).toEqual([]);
  expect(inner.tcpPorts.size).toBe(0);
  await forwards.open([parseForward('remote', '80:1'), parseForward('remote', '80:1/udp')]);
  const places = [parsePlace('remote', '80'), parsePlace('remote', '81')];
  await expect(forwards.remove(places)).rejects.toMatchObject({
    kind: 'usage',
    what: 'cannot remove --remote-forward 81',
  });
  expect(forwards.list()).toHaveLength(2);
  await forwards.remove([parsePlace('remote', '80/udp'), parsePlace('remote', '80/udp')]);
  expect(forwards.list()).toMatchObject([{ protocol: 'tcp' }]);
  expect(inner.udpPorts.size).toBe(0);
});

it('refuses more than 256 forwards, and any forward after the end', async () => {
  const many = Array.from({ length: 256 }, (_, index) => parseForward('remote', `${index + 1}:1`));
  await forwards.open(many);
  const one = parseForward('remote', '1000:1');
  await expect(forwards.open([one])).rejects.toThrow('a tunnel can have at most 256 forwards');
  await forwards.close({ graceMs: 0 });
  expect(forwards.list()).toEqual([]);
  await expect(forwards.open([one])).rejects.toThrow('the tunnel is closing');
});

describe('at the limit of connections', () => {
  const forward = parseForward('local', '0:web.test:80') as LocalForward;
  let open: Awaited<ReturnType<typeof openLocalTcp>>;
  let first: Socket;

  beforeEach(async () => {
    open = await openLocalTcp(forward, { network: Promise.resolve(inner), log, most: 1 });
    first = await client((open.forward as LocalForward).listen);
    await until(() => inner.dialled.length === 1);
  });
  afterEach(async () => {
    open.stop();
    first.destroy();
    await open.drain(0);
  });

  const connectSecond = () => connect((open.forward as LocalForward).listen as ListenAddress);

  it.each(['client', 'target'])('resets a new one if the %s has sent something', async (side) => {
    if (side === 'client') first.write('x');
    else inner.dialled[0]!.side.push('x');
    await until(() => {
      const { sentBytes, receivedBytes } = open.counters.totals();
      return sentBytes + receivedBytes === 1;
    });
    const second = connectSecond();
    expect((await once(second, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(log.messages('warn')).toEqual(['too many connections: a new connection was closed']);
    expect(open.counters.totals()).toMatchObject({ connections: 1, failures: 1, active: 1 });
  });

  it('replaces the oldest one that has carried nothing', async () => {
    const lost = once(first, 'error');
    const second = connectSecond();
    expect((await lost)[0]).toMatchObject({ code: 'ECONNRESET' });
    await until(() => inner.dialled.length === 2);
    second.write('x');
    await until(() => inner.dialled[1]!.side.taken === 'x');
    expect(log.messages('warn')).toEqual([
      'too many connections: the oldest connection without any data was closed',
    ]);
    expect(open.counters.totals()).toMatchObject({ connections: 2, failures: 1, active: 1 });
    second.destroy();
  });
});

it.each([
  ['local', '8080:a:1', '127.0.0.1:8080:b:2'],
  ['local', '/a.sock:a:1', '/a.sock:b:2'],
  ['remote', '80:1', '80:127.0.0.1:2'],
] as const)('refuses two %s forwards with the same place: %s, %s', (kind, ...texts) => {
  const two = texts.map((text) => parseForward(kind, text));
  expect(thrownBy(() => requireDistinctForwards(two))).toMatchObject({ kind: 'usage' });
  const distinct = ['0:a:1', '0:b:1', '1:a:1', '1:a:1/udp'].map((text) =>
    parseForward('local', text),
  );
  requireDistinctForwards([
    ...distinct,
    parseForward('remote', '0:1'),
    parseForward('remote', '0:2'),
  ]);
});

it('requires a permission to listen for other machines', () => {
  const open = [parseForward('local', '0.0.0.0:1:a:2'), parseForward('local', '[::]:1:a:2/udp')];
  for (const forward of open) {
    expect(thrownBy(() => requireLoopbackForwards([forward], false))).toMatchObject({
      kind: 'usage',
      why: 'this is not a loopback address, so anyone who can reach the address could use this forward, with traffic that is billed to this SIM',
    });
    expect(() => requireLoopbackForwards([forward], true)).not.toThrow();
  }
  const closed = ['1:a:2', '[::1]:1:a:2', '/a.sock:a:2'].map((text) => parseForward('local', text));
  requireLoopbackForwards([...closed, parseForward('remote', '1:10.0.0.1:2')], false);
});
