/** Kernel mode on a fake kernel in virtual time: what arctun sets, and what it infers. */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { KernelTunnel } from '../../../src/tunnel/interface/kernel-tunnel.js';
import { parseTunnelConfig, type TunnelConfig } from '../../../src/tunnel/tunnel-config.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeKernel, MARK } from '../../support/fakes/fake-kernel.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';

const crypto = createNodeCrypto();
const OWN_KEY = new Uint8Array(32).fill(1);
const OTHER_KEY = new Uint8Array(32).fill(2);
const SERVER = crypto.publicKey(new Uint8Array(32).fill(3));
const OTHER_SERVER = crypto.publicKey(new Uint8Array(32).fill(4));
const [FIRST, SECOND] = ['192.0.2.1', '192.0.2.2'];

interface Overrides {
  readonly privateKey?: Uint8Array;
  readonly serverPublicKey?: Uint8Array;
  readonly allowedIps?: readonly string[];
  readonly keepalive?: number;
}

function config(changes: Overrides = {}): TunnelConfig {
  const { privateKey = OWN_KEY, serverPublicKey = SERVER, keepalive = 25 } = changes;
  return parseTunnelConfig({
    privateKey: new Secret(privateKey),
    serverPublicKey,
    endpoint: { host: 'arc.example', port: 11010 },
    address: '10.0.0.2',
    allowedIps: changes.allowedIps ?? ['100.127.0.0/16'],
    mtu: 1420,
    persistentKeepaliveSeconds: keepalive,
  });
}

let clock: FakeClock;
let kernel: FakeKernel;
let log: RecordingLog;
let addresses: readonly string[];
let lost: Error | undefined;
let lookups: number;
let lookup: Promise<void>;

beforeEach(() => {
  clock = new FakeClock();
  kernel = new FakeKernel(clock);
  kernel.answersAt = FIRST;
  log = new RecordingLog();
  addresses = [FIRST];
  lost = undefined;
  lookups = 0;
  lookup = Promise.resolve();
});

function open(opened: TunnelConfig = config()): KernelTunnel {
  const resolve = async () => {
    lookups++;
    await lookup;
    if (addresses.length === 0) throw new Error('no name');
    return { addresses, ttl: 60_000 };
  };
  const ports = {
    ...{ crypto, clock, log, resolver: { resolve } },
    wallClock: { unixMilliseconds: () => 1_767_225_600_000 + clock.now() },
  };
  return new KernelTunnel(opened, ports, kernel, (cause) => (lost = cause));
}

/** Advances the time, in which the kernel repeats unanswered initiations. */
async function pass(milliseconds: number): Promise<void> {
  for (let at = 0; at < milliseconds; at += 100) {
    if (at % 5_000 === 4_900) {
      for (const peer of kernel.peers.values()) {
        if (peer.latestHandshakeUnix === undefined) kernel.initiate(peer);
      }
    }
    kernel.tick();
    clock.advance(100);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }
}

const server = () => kernel.peers.get(SERVER.join())!;

it('sets key, peer, addresses and endpoint, starts a handshake and reports it', async () => {
  const tunnel = open();
  const waiting = tunnel.waitForHandshake(Infinity);
  expect((await tunnel.status()).health).toBe('connecting');
  await pass(1_000);
  await waiting;
  expect(kernel.events).toEqual(['key', 'configure']);
  expect(server()).toMatchObject({
    endpoint: { address: FIRST, port: 11010 },
    persistentKeepalive: 25,
    allowedIps: config().allowedIps,
  });
  expect(await tunnel.status()).toMatchObject({
    ...{ mode: 'kernel', interface: 'wg0', health: 'up', silence: undefined, listenPort: 5 },
    addresses: ['10.0.0.2'],
    peers: [{ endpoint: '192.0.2.1:11010', sentBytes: 180, receivedBytes: 92 }],
  });
  expect(log.messages('info')).toEqual(['handshake complete']);
  await tunnel.waitForHandshake(clock.now());
});

it('starts a handshake without keepalives too, and leaves them disabled', async () => {
  const tunnel = open(config({ keepalive: 0 }));
  await pass(1_000);
  await tunnel.waitForHandshake(clock.now());
  expect(server().persistentKeepalive).toBe(0);
});

it('marks its datagrams if a default route leads into the tunnel', () => {
  open(config({ allowedIps: ['0.0.0.0/0'] }));
  expect(kernel.events).toEqual(['key', 'configure', `mark ${MARK}`]);
});

it('tries the next address if the first does not answer', async () => {
  addresses = [FIRST, SECOND];
  kernel.answersAt = SECOND;
  const tunnel = open();
  await pass(11_000);
  await tunnel.waitForHandshake(clock.now());
  expect(server().endpoint?.address).toBe(SECOND);
});

it('resolves the name again until it succeeds', async () => {
  addresses = [];
  const tunnel = open();
  const failing = tunnel.waitForHandshake(clock.now() + 1_000);
  failing.catch(() => undefined);
  await pass(1_500);
  await expect(failing).rejects.toMatchObject({ reason: 'name-not-found' });
  addresses = [FIRST];
  await pass(3_000);
  await tunnel.waitForHandshake(clock.now());
});

it('follows the name to another address after a silence', async () => {
  const tunnel = open();
  await pass(1_000);
  [addresses, kernel.answersAt] = [[SECOND], SECOND];
  server().latestHandshakeUnix = undefined;
  server().sentBytes += 148;
  await pass(60_000);
  expect((await tunnel.status()).peers[0]).toMatchObject({ endpoint: '192.0.2.2:11010' });
  expect((await tunnel.status()).health).toBe('up');
});

it('explains a server that never answers, and warns after 90 s', async () => {
  kernel.answersAt = undefined;
  const tunnel = open();
  const failing = tunnel.waitForHandshake(clock.now() + 20_000);
  failing.catch(() => undefined);
  await pass(20_000);
  await expect(failing).rejects.toMatchObject({
    reason: 'no-answer',
    why: '192.0.2.1:11010 has not answered 4 handshake initiations',
  });
  await pass(80_000);
  expect(log.messages('warn')).toEqual([expect.stringContaining('no response to the handshake')]);
  expect(await tunnel.status()).toMatchObject({
    health: 'stale',
    silence: { reason: 'no-answer' },
    unanswered: { reason: 'no-answer' },
  });
  // The kernel tries again with the next keepalive.
  kernel.answersAt = FIRST;
  await pass(10_000);
  expect((await tunnel.status()).health).toBe('up');
});

it('reports that the system sends nothing', async () => {
  kernel.canSend = false;
  const tunnel = open();
  const failing = tunnel.waitForHandshake(clock.now() + 20_000);
  failing.catch(() => undefined);
  await pass(20_000);
  await expect(failing).rejects.toMatchObject({ reason: 'cannot-send' });
});

it('does not expect replies to keepalives', async () => {
  const tunnel = open();
  await pass(1_000);
  server().sentBytes += 32;
  await pass(20_000);
  expect((await tunnel.status()).health).toBe('up');
});

it('reports that a server answers handshakes, but not packets', async () => {
  const tunnel = open();
  await pass(1_000);
  const silences: unknown[] = [];
  for (let second = 0; second < 60; second++) {
    kernel.packet(server(), false);
    await pass(1_000);
    const { health, silence } = await tunnel.status();
    if (health === 'stale') silences.push(silence?.reason);
  }
  // All seconds except the first 16, and a few after each handshake.
  expect(silences.length).toBeGreaterThan(35);
  expect(new Set(silences)).toEqual(new Set(['no-data-back']));
  kernel.packet(server(), true);
  await pass(1_000);
  expect((await tunnel.status()).health).toBe('up');
});

it('reports that a server no longer answers handshakes, before its session has expired', async () => {
  const tunnel = open();
  await pass(1_000);
  kernel.answersAt = undefined;
  kernel.packet(server(), false);
  await pass(15_500);
  expect(await tunnel.status()).toMatchObject({
    health: 'stale',
    silence: { reason: 'no-data-back' },
    unanswered: { reason: 'no-data-back' },
  });
  await pass(10_000);
  const { silence, unanswered } = await tunnel.status();
  expect(silence).toEqual({
    reason: 'no-answer',
    why: '192.0.2.1:11010 has not answered 2 handshake initiations',
  });
  expect(unanswered?.for).toBeGreaterThan(9_000);
  expect(unanswered?.for).toBeLessThan(11_000);
});

it('is up after a handshake without packets', async () => {
  const tunnel = open();
  await pass(1_000);
  kernel.packet(server(), false);
  await pass(60_000);
  expect((await tunnel.status()).health).toBe('up');
});

it('does not count the initiation that renews a session as a packet', async () => {
  const tunnel = open();
  await pass(1_000);
  server().sentBytes += 148;
  await pass(1_000);
  Object.assign(server(), { latestHandshakeUnix: clock.now() });
  server().receivedBytes += 92;
  await pass(20_000);
  expect((await tunnel.status()).health).toBe('up');
});

it('keeps the session if only allowed IPs and keepalives change', async () => {
  const tunnel = open();
  await pass(1_000);
  await tunnel.reconfigure(config({ allowedIps: ['100.64.0.0/10'], keepalive: 40 }));
  expect(server()).toMatchObject({ persistentKeepalive: 40, sentBytes: 212 });
  expect((await tunnel.status()).peers[0]?.allowedIps).toEqual(['100.64.0.0/10']);
  await tunnel.waitForHandshake(clock.now());
});

it('marks its datagrams before a default route exists until it is removed', async () => {
  const tunnel = open();
  await pass(1_000);
  kernel.events.length = 0;
  await tunnel.reconfigure(config({ allowedIps: ['0.0.0.0/0'] }));
  await tunnel.reconfigure(config());
  expect(kernel.events).toEqual([`mark ${MARK}`, 'apply', 'apply', 'mark 0']);
});

it('changes nothing if the system refuses the routes', async () => {
  const tunnel = open();
  await pass(1_000);
  kernel.refusal = new Error('EEXIST');
  const changed = config({ allowedIps: ['0.0.0.0/0'], serverPublicKey: OTHER_SERVER });
  await expect(tunnel.reconfigure(changed)).rejects.toBe(kernel.refusal);
  expect((await tunnel.status()).fwmark).toBe(0);
  expect([...kernel.peers.keys()]).toEqual([SERVER.join()]);
});

it.each<[string, Overrides]>([
  ['key', { privateKey: OTHER_KEY }],
  ['server', { serverPublicKey: OTHER_SERVER }],
])('starts a new handshake with another %s', async (_what, changes) => {
  const tunnel = open();
  await pass(1_000);
  await tunnel.reconfigure(config(changes));
  expect((await tunnel.status()).health).toBe('connecting');
  await pass(1_000);
  await tunnel.waitForHandshake(clock.now());
  const { publicKey, peers } = await tunnel.status();
  const { privateKey = OWN_KEY, serverPublicKey = SERVER } = changes;
  expect(publicKey).toBe(Buffer.from(crypto.publicKey(privateKey)).toString('base64'));
  expect(peers.map((peer) => peer.publicKey)).toEqual([
    Buffer.from(serverPublicKey).toString('base64'),
  ]);
});

it.each<[string, Overrides]>([
  ['key', { privateKey: OTHER_KEY, allowedIps: ['0.0.0.0/0'] }],
  ['server', { serverPublicKey: OTHER_SERVER, allowedIps: ['0.0.0.0/0'] }],
  ['keepalive interval', { keepalive: 40, allowedIps: ['0.0.0.0/0'] }],
])('keeps everything if the kernel refuses another %s', async (_what, changes) => {
  const tunnel = open();
  await pass(1_000);
  const before = await tunnel.status();
  // The kernel refuses the allowed IPs, after the key and the old peer have been changed.
  kernel.refusedPrefixLength = 0;
  await expect(tunnel.reconfigure(config(changes))).rejects.toThrow('EINVAL');
  const { publicKey, fwmark, peers } = await tunnel.status();
  expect({ publicKey, fwmark }).toEqual({ publicKey: before.publicKey, fwmark: before.fwmark });
  expect(peers).toMatchObject([
    { publicKey: before.peers[0]?.publicKey, allowedIps: ['100.127.0.0/16'] },
  ]);
  expect(server().persistentKeepalive).toBe(25);
  // The old server is still followed.
  [addresses, kernel.answersAt] = [[SECOND], SECOND];
  Object.assign(server(), { latestHandshakeUnix: undefined });
  await pass(60_000);
  expect((await tunnel.status()).health).toBe('up');
  kernel.refusedPrefixLength = undefined;
  await tunnel.reconfigure(config(changes));
  expect((await tunnel.status()).peers[0]?.allowedIps).toEqual(['0.0.0.0/0']);
});

it('keeps peers that `wg` added', async () => {
  const tunnel = open();
  kernel.set({ peers: [{ publicKey: OTHER_SERVER, allowedIps: [] }] });
  await pass(1_000);
  await tunnel.reconfigure(config({ privateKey: OTHER_KEY }));
  const { peers } = await tunnel.status();
  expect(peers).toHaveLength(2);
  expect(peers[0]?.publicKey).toBe(Buffer.from(SERVER).toString('base64'));
});

it('reads the counters once a second, and ten times a second during a handshake', async () => {
  const readsIn = async (milliseconds: number) => {
    const before = kernel.reads;
    await pass(milliseconds);
    return kernel.reads - before;
  };
  kernel.answersAt = undefined;
  open(config({ keepalive: 0 }));
  expect(await readsIn(10_000)).toBe(100);
  // The handshake was given up.
  await pass(90_000);
  expect(await readsIn(10_000)).toBe(10);
  kernel.answersAt = FIRST;
  await pass(10_000);
  expect(await readsIn(10_000)).toBe(10);
  // An idle tunnel has no session.
  await pass(200_000);
  expect(await readsIn(10_000)).toBe(10);
});

it('is stale while `wg` has removed the server', async () => {
  const tunnel = open();
  await pass(1_000);
  kernel.peers.delete(SERVER.join());
  expect(await tunnel.status()).toMatchObject({ health: 'stale', peers: [] });
});

it('refuses a server with its own key', async () => {
  const own = config({ serverPublicKey: crypto.publicKey(OWN_KEY) });
  await expect(open().reconfigure(own)).rejects.toThrow('must not have the same public key');
});

it('reports that another program has removed the interface', async () => {
  open();
  await pass(1_000);
  kernel.isThere = false;
  await pass(1_500);
  expect(lost?.message).toBe('another program has removed the interface');
});

it('removes routes and interface when it is closed, and ends waits', async () => {
  kernel.answersAt = undefined;
  const tunnel = open();
  const waiting = tunnel.waitForHandshake(Infinity);
  waiting.catch(() => undefined);
  await pass(300);
  tunnel.close();
  tunnel.close();
  await expect(waiting).rejects.toMatchObject({ reason: 'closing' });
  expect(kernel.events.slice(2)).toEqual(['undo', 'remove']);
  expect(clock.armed).toBe(0);
  await expect(tunnel.reconfigure(config())).rejects.toMatchObject({ reason: 'closing' });
});

it('reports a lost route although no keepalive is due, and its return', async () => {
  const tunnel = open(config({ keepalive: 0 }));
  await pass(1_000);
  kernel.unreachable = [FIRST];
  await pass(3_000);
  expect((await tunnel.status()).health).toBe('up');
  await pass(4_000);
  expect(await tunnel.status()).toMatchObject({
    health: 'stale',
    silence: { reason: 'cannot-send', why: expect.stringContaining('ENETUNREACH') as string },
  });
  expect(log.messages('warn')).toEqual(['cannot send to the Arc server']);
  kernel.unreachable = [];
  await pass(1_000);
  expect((await tunnel.status()).health).toBe('up');
});

it('skips an address without a route at once', async () => {
  addresses = [FIRST, SECOND];
  [kernel.unreachable, kernel.answersAt] = [[FIRST], SECOND];
  const tunnel = open();
  await pass(500);
  await tunnel.waitForHandshake(clock.now());
  expect(server().endpoint?.address).toBe(SECOND);
});

it('uses another address at once if the route to the current one is lost', async () => {
  addresses = [FIRST, SECOND];
  const tunnel = open();
  await pass(1_000);
  kernel.unreachable = [FIRST];
  await pass(1_100);
  expect(server().endpoint?.address).toBe(SECOND);
  expect((await tunnel.status()).health).toBe('up');
});

it('starts a handshake when a route appears', async () => {
  kernel.unreachable = [FIRST];
  const tunnel = open(config({ keepalive: 0 }));
  await pass(100_000);
  kernel.unreachable = [];
  await pass(200);
  await tunnel.waitForHandshake(clock.now());
});

it('reports that no route leads to the server after a handshake, and tries other addresses', async () => {
  addresses = [FIRST, SECOND];
  const tunnel = open();
  await pass(1_000);
  kernel.unreachable = [FIRST, SECOND];
  await pass(40_000);
  expect(await tunnel.status()).toMatchObject({
    health: 'stale',
    silence: { reason: 'cannot-send' },
  });
  [kernel.unreachable, kernel.answersAt] = [[FIRST], SECOND];
  await pass(20_000);
  expect((await tunnel.status()).health).toBe('up');
  expect(server().endpoint?.address).toBe(SECOND);
});

it('accepts a late keepalive', async () => {
  const tunnel = open();
  await pass(1_000);
  kernel.lateness = 1.125;
  for (let second = 0; second < 100; second++) {
    await pass(1_000);
    expect((await tunnel.status()).health).toBe('up');
  }
});

it('tries the next address of a silent server before its session has expired', async () => {
  addresses = [FIRST, SECOND];
  const tunnel = open();
  await pass(10_000);
  kernel.answersAt = SECOND;
  server().sentBytes += 148;
  for (let attempt = 0; attempt < 6; attempt++) {
    await pass(5_200);
    kernel.initiate(server());
  }
  await pass(1_000);
  expect(server().endpoint?.address).toBe(SECOND);
  expect((await tunnel.status()).health).toBe('up');
});

it('ends the tunnel, not the process, if the interface is removed while the name is resolved', async () => {
  let answer: () => void = () => undefined;
  lookup = new Promise((resolve) => (answer = resolve));
  open();
  kernel.setRefusal = new Error('ENODEV');
  answer();
  await pass(500);
  expect(lost).toBe(kernel.setRefusal);
});

it('ends the tunnel, not the process, if the kernel refuses to show the device', async () => {
  const tunnel = open();
  await pass(1_000);
  kernel.readRefusal = new Error('ENOENT');
  expect((await tunnel.status()).mode).toBe('kernel');
  await pass(2_000);
  expect(lost).toBe(kernel.readRefusal);
});

it('does not add a peer without allowed IPs after `wg` has removed the server', async () => {
  let answer: () => void = () => undefined;
  lookup = new Promise((resolve) => (answer = resolve));
  open();
  kernel.peers.clear();
  answer();
  await pass(1_000);
  expect(kernel.peers.size).toBe(0);
});

it('adds the server again at a reload after `wg` has removed it', async () => {
  const tunnel = open();
  await pass(1_000);
  kernel.peers.clear();
  await tunnel.reconfigure(config());
  await pass(1_000);
  expect(server().endpoint?.address).toBe(FIRST);
  expect((await tunnel.status()).health).toBe('up');
});

it('does not take counters that restart for a handshake', async () => {
  open();
  await pass(1_000);
  const before = log.messages('info').length;
  Object.assign(server(), { latestHandshakeUnix: undefined, receivedBytes: 0, sentBytes: 0 });
  kernel.answersAt = undefined;
  await pass(1_100);
  expect(log.messages('info').length).toBe(before);
});

it('keeps the address of a server that answers while the name is resolved', async () => {
  open();
  await pass(1_000);
  let answer: () => void = () => undefined;
  lookup = new Promise((resolve) => (answer = resolve));
  addresses = [SECOND];
  server().sentBytes += 96;
  await pass(16_500);
  expect(lookups).toBe(2);
  server().receivedBytes += 32;
  await pass(1_100);
  answer();
  await pass(1_000);
  expect(server().endpoint?.address).toBe(FIRST);
});

it('does not resolve the name of an idle tunnel again and again', async () => {
  kernel.answersAt = undefined;
  open(config({ keepalive: 0 }));
  await pass(100_000);
  // The kernel has given up, and sends nothing.
  kernel.canSend = false;
  await pass(20_000);
  const before = lookups;
  await pass(300_000);
  expect(lookups).toBe(before);
});

it('removes routes if the interface disappears while it is opened', () => {
  const configure = kernel.configure.bind(kernel);
  kernel.configure = (settings) => {
    kernel.isThere = false;
    return configure(settings);
  };
  expect(() => open()).toThrow('has removed the interface');
  expect(kernel.events).toContain('undo');
});

it('makes a shorter keepalive interval take effect immediately', async () => {
  const tunnel = open(config({ keepalive: 3_600 }));
  await pass(1_000);
  const { sentBytes } = server();
  await tunnel.reconfigure(config({ keepalive: 25 }));
  expect(server().sentBytes).toBeGreaterThan(sentBytes);
});
