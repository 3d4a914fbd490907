/** Two tunnels with real streams on fake sockets: the server side is the emulator's network. */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';

import { createNodeCrypto } from '../../src/crypto/node.js';
import { openWireGuardNetwork } from '../../src/emulator/wireguard-network.js';
import { Secret } from '../../src/lib/secrets/secret.js';
import { systemClock, systemWallClock } from '../../src/system/clock.js';
import { systemEntropy } from '../../src/system/entropy.js';
import { systemResolver } from '../../src/system/network/resolver.js';
import { udpSockets } from '../../src/system/network/udp-socket.js';
import { DialError } from '../../src/proxy/dialer.js';
import { parseTunnelConfig } from '../../src/tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../src/tunnel/tunnel-ports.js';
import { UserspaceTunnel } from '../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress, type SocketAddress } from '../../src/wire/ip-address.js';
import { silentLog } from '../support/fakes/silent-log.js';

const crypto = createNodeCrypto();
const ports: TunnelPorts = {
  crypto,
  entropy: systemEntropy,
  wallClock: systemWallClock,
  clock: systemClock,
  sockets: udpSockets,
  resolver: systemResolver,
  log: silentLog,
};
const SERVICE = '100.127.69.42';
const CLIENT_KEY = new Uint8Array(32).fill(3);
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setUp(onConnection: (stream: Duplex, remote: SocketAddress) => void) {
  const network = await openWireGuardNetwork(
    {
      listen: { address: '127.0.0.1', port: 0 },
      privateKey: new Secret(new Uint8Array(32).fill(5)),
      addresses: [parseIpAddress(SERVICE)!],
    },
    ports,
  );
  closers.push(() => network.close());
  network.addPeer({
    publicKey: crypto.publicKey(CLIENT_KEY),
    address: parseIpAddress('10.0.0.2')!,
  });
  network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, onConnection);
  const config = parseTunnelConfig({
    privateKey: new Secret(CLIENT_KEY),
    serverPublicKey: network.publicKey,
    endpoint: { host: '127.0.0.1', port: network.endpoint.port },
    address: '10.0.0.2',
    allowedIps: ['100.127.0.0/16'],
    mtu: 1420,
    persistentKeepaliveSeconds: 60,
  });
  const tunnel = await UserspaceTunnel.open(config, ports);
  closers.push(() => tunnel.close());
  await tunnel.waitForHandshake(ports.clock.now() + 10_000);
  return tunnel;
}

/** All bytes up to the end; unlike an iterator, it leaves the stream's other half open. */
function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => resolve(Buffer.concat(chunks)));
    stream.on('error', reject);
  });
}

it('closes at the end of an asynchronous disposal', async () => {
  const tunnel = await setUp(() => undefined);
  await tunnel[Symbol.asyncDispose]();
  await expect(tunnel.dialer.dial({ host: SERVICE, port: 80 })).rejects.toMatchObject({
    reason: 'closed',
  });
});

it('half-closes: the answer arrives after the local end', async () => {
  const tunnel = await setUp((stream) => {
    void readAll(stream).then((request) => stream.end(`got ${request.length}`));
  });
  const stream = await tunnel.dialer.dial({ host: SERVICE, port: 80 });
  stream.end(Buffer.alloc(300_000, 1));
  expect((await readAll(stream)).toString()).toBe('got 300000');
});

it('pauses a fast sender while the reader sleeps', async () => {
  let written = 0;
  const tunnel = await setUp((stream) => {
    const chunk = Buffer.alloc(64 * 1024);
    const push = () => {
      while (written < 64 * 1024 * 1024) {
        written += chunk.length;
        if (!stream.write(chunk)) return;
      }
      stream.end();
    };
    stream.on('drain', push).on('error', () => undefined);
    push();
  });
  const stream = await tunnel.dialer.dial({ host: SERVICE, port: 80 });
  await once(stream, 'readable');
  // The sender stops after the two sockets and streams are full, and must not continue.
  let before = -1;
  while (written !== before) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(written).toBeLessThan(16 * 1024 * 1024);
  stream.destroy();
});

it('distinguishes a reset from an end', async () => {
  const tunnel = await setUp((stream) => {
    stream.write('half of it', () => setTimeout(() => stream.destroy(), 50));
  });
  const stream = await tunnel.dialer.dial({ host: SERVICE, port: 80 });
  await expect(readAll(stream)).rejects.toMatchObject({ code: 'ECONNRESET' });
});

it.each([
  ['refused', { host: SERVICE, port: 81 }],
  ['no-route', { host: '192.0.2.1', port: 80 }],
  ['name-unresolved', { host: 'uni.soracom.io', port: 80 }],
])('reports %s', async (reason, target) => {
  const tunnel = await setUp(() => undefined);
  const failure = await tunnel.dialer.dial(target).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(DialError);
  expect((failure as DialError).reason).toBe(reason);
});

it('reports closed after close, and can be closed twice', async () => {
  const tunnel = await setUp(() => undefined);
  await tunnel.close();
  await expect(tunnel.dialer.dial({ host: SERVICE, port: 80 })).rejects.toMatchObject({
    reason: 'closed',
  });
});

it('waits in close() for what must end before', async () => {
  const tunnel = await setUp(() => undefined);
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  let calls = 0;
  tunnel.beforeClose(() => {
    calls++;
    return ended;
  });
  let isClosed = false;
  const closed = tunnel.close({ gracePeriod: 0 }).then(() => (isClosed = true));
  void tunnel.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect({ calls, isClosed }).toEqual({ calls: 1, isClosed: false });
  end();
  await closed;
});

it('fails a pending dial when it closes', async () => {
  const tunnel = await setUp(() => undefined);
  const dialled = expect(tunnel.dialer.dial({ host: SERVICE, port: 80 })).rejects.toMatchObject({
    reason: 'closed',
    message: 'the tunnel is closing',
  });
  await tunnel.close();
  await dialled;
});

it('rejects an aborted dial with its reason', async () => {
  const tunnel = await setUp(() => undefined);
  const controller = new AbortController();
  const dial = tunnel.dialer.dial({ host: '100.127.1.1', port: 80 }, controller.signal);
  controller.abort(new Error('gone'));
  await expect(dial).rejects.toThrow('gone');
});

it('counts the bytes that the other side has not acknowledged', async () => {
  const tunnel = await setUp((stream) => stream.pause().on('error', () => undefined));
  const stream = await tunnel.dialer.dial({ host: SERVICE, port: 80 });
  expect(stream.unacknowledgedBytes).toBe(0);
  // More than both ends can hold: some of it stays in the stream, and every byte is counted once.
  const length = 16 * 1024 * 1024;
  stream.write(Buffer.alloc(length));
  expect(stream.unacknowledgedBytes).toBe(length);
  stream.write(Buffer.alloc(1_000));
  expect(stream.unacknowledgedBytes).toBe(length + 1_000);
  let before = -1;
  while (stream.unacknowledgedBytes !== before) {
    before = stream.unacknowledgedBytes;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(before).toBeLessThan(length);
  expect(before).toBeGreaterThan(length / 2);
  stream.on('error', () => undefined).destroy();
});

it('counts no bytes after everything is acknowledged', async () => {
  const tunnel = await setUp((stream) => {
    stream.once('data', () => stream.write('got it')).on('error', () => undefined);
  });
  const stream = await tunnel.dialer.dial({ host: SERVICE, port: 80 });
  stream.write('message');
  await once(stream, 'data');
  expect(stream.unacknowledgedBytes).toBe(0);
  stream.on('error', () => undefined).destroy();
});
