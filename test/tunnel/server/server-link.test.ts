/** A running tunnel that gets another configuration: the effect on its link to the server. */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import type { ArcNetwork } from '../../../src/emulator/arc-network.js';
import type { TimestampRecord } from '../../../src/ports/stores/timestamp-store.js';
import { UserspaceTunnel } from '../../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { INITIATION } from '../../support/message-types.js';
import { isPacketMemoryFree } from '../../support/packet-memory.js';
import {
  CLIENT_KEY,
  type InMemoryOptions,
  SERVICE,
  serverOf,
  TunnelInMemory,
} from '../../support/pairs/tunnel-in-memory.js';

const crypto = createNodeCrypto();
const TARGET = { host: SERVICE, port: 80 };
const OTHER_KEY = new Uint8Array(32).fill(4);
const OTHER_CLIENT = '10.0.0.9';

let world: TunnelInMemory;
let tunnel: UserspaceTunnel;
let networks: ArcNetwork[];
/** The server and the source address of each connection. */
let accepted: string[];
/**
 * The last timestamp that an earlier process sent with a key, and what was stored, by public key.
 */
let kept: Map<string, Uint8Array>;
let saved: [key: string, stamp: Uint8Array][];

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

beforeEach(async () => {
  world = new TunnelInMemory(crypto);
  networks = [];
  accepted = [];
  kept = new Map();
  saved = [];
  await server('first', world.openNetwork());
});
afterEach(async () => {
  await tunnel.close({ gracePeriod: 0 });
  for (const network of networks) await network.close();
  await settle();
  expect(world.clock.armed).toBe(0);
  expect(world.link.openSockets).toBe(0);
});

/** Lets pending work run, also in Node's streams, without advancing the time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    await world.settle();
  }
}

/** Makes a server accept connections and echo. */
async function server(name: string, opening: Promise<ArcNetwork>): Promise<ArcNetwork> {
  const network = await opening;
  networks.push(network);
  network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream, remote) => {
    accepted.push(`${name} ${remote.address.join('.')}`);
    stream.on('error', () => undefined).pipe(stream);
  });
  return network;
}

async function open(options: InMemoryOptions = {}): Promise<void> {
  const timestamps = {
    open: (publicKey: Uint8Array) => {
      const key = text(publicKey);
      return Promise.resolve<TimestampRecord>({
        last: kept.get(key),
        save: (stamp) => saved.push([key, stamp.slice()]),
      });
    },
  };
  tunnel = await UserspaceTunnel.open(world.config(options), { ...world.ports, timestamps });
  await settle();
}

/** A promise whose result is read later. */
function outcomeOf<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const outcome: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => (outcome.value = value),
    (error: unknown) => (outcome.error = error),
  );
  return outcome;
}

async function connect() {
  const dialled = outcomeOf(tunnel.dialer.dial(TARGET));
  await settle();
  if (dialled.value === undefined) throw new Error(`not dialled: ${String(dialled.error)}`);
  return dialled.value.on('error', () => undefined);
}

async function reconfigure(options: InMemoryOptions): Promise<void> {
  const done = outcomeOf(tunnel.reconfigure(world.config(options)));
  await settle();
  if (done.error !== undefined) throw done.error as Error;
}

const sentTo = (port: number) => world.link.sent.filter(({ to }) => to.port === port);
const initiations = () => world.link.sent.filter(({ bytes }) => bytes[0] === INITIATION).length;

it('switches to another server with another key and address, and dials through it', async () => {
  await open();
  const stream = await connect();
  const errors: unknown[] = [];
  stream.on('error', (error) => errors.push(error));
  const before = tunnel.totals();
  const other = await server(
    'second',
    world.openAnother({
      privateKey: new Uint8Array(32).fill(6),
      clientKey: OTHER_KEY,
      client: OTHER_CLIENT,
    }),
  );
  const former = world.server.port;
  await reconfigure({ server: serverOf(other), privateKey: OTHER_KEY, address: OTHER_CLIENT });
  await tunnel.waitForHandshake(world.clock.now());
  expect(errors).toEqual([expect.objectContaining({ code: 'ECONNABORTED' })]);
  const sentBefore = sentTo(former).length;
  await connect();
  await world.advance(200_000);
  expect(accepted).toEqual(['first 10.0.0.2', `second ${OTHER_CLIENT}`]);
  expect(sentTo(former)).toHaveLength(sentBefore);
  expect(tunnel.totals().sentBytes).toBeGreaterThan(before.sentBytes);
  const status = await tunnel.status();
  expect(status).toMatchObject({
    publicKey: Buffer.from(crypto.publicKey(OTHER_KEY)).toString('base64'),
    addresses: [OTHER_CLIENT],
    peers: [{ publicKey: Buffer.from(other.publicKey).toString('base64') }],
  });
  expect(status.peers[0]!.sentBytes).toBe(tunnel.totals().sentBytes - before.sentBytes);
});

it('keeps the session and open connections if only allowed IPs and the keepalive differ', async () => {
  await open({ allowedIps: ['100.127.0.0/16', '192.0.2.0/24'] });
  const stream = await connect();
  const before = initiations();
  await reconfigure({ allowedIps: ['100.127.0.0/16', '198.51.100.0/24'], keepaliveSeconds: 7 });
  stream.write('still there');
  await settle();
  expect(String(stream.read())).toBe('still there');
  expect(initiations()).toBe(before);
  const dial = (host: string) => tunnel.dialer.dial({ host, port: 80 });
  await expect(dial('192.0.2.1')).rejects.toMatchObject({ reason: 'no-route' });
  const [peer] = (await tunnel.status()).peers;
  expect(peer).toMatchObject({
    allowedIps: ['100.127.0.0/16', '198.51.100.0/24'],
    persistentKeepalive: 7,
  });
});

it('reports how long a handshake has had no answer, and why', async () => {
  world.link.passes = () => false;
  await open();
  await world.advance(6_000);
  expect((await tunnel.status()).unanswered).toEqual({ for: 6_000, reason: 'no-answer' });
  world.link.passes = () => true;
  await world.advance(6_000);
  expect((await tunnel.status()).unanswered).toBeUndefined();
});

it('distinguishes prefixes by their length, and keeps its initial MTU', async () => {
  await open();
  await tunnel.reconfigure({ ...world.config({ allowedIps: ['100.127.0.0/24'] }), mtu: 1280 });
  expect(await tunnel.status()).toMatchObject({
    mtu: 1420,
    peers: [{ allowedIps: ['100.127.0.0/24'] }],
  });
});

it('changes nothing if nothing differs', async () => {
  await open();
  const stream = await connect();
  const before = initiations();
  await reconfigure({});
  stream.write('still there');
  await settle();
  expect(String(stream.read())).toBe('still there');
  expect(initiations()).toBe(before);
});

it('starts a handshake at once if only the local key changes', async () => {
  await open();
  world.network.addPeer({
    publicKey: crypto.publicKey(OTHER_KEY),
    address: parseIpAddress(OTHER_CLIENT)!,
  });
  const before = tunnel.lastHandshakeUnix!;
  await world.advance(1000);
  await reconfigure({ privateKey: OTHER_KEY, address: OTHER_CLIENT });
  expect(tunnel.lastHandshakeUnix).toBeGreaterThan(before);
  await connect();
  expect(accepted).toEqual([`first ${OTHER_CLIENT}`]);
});

it('follows a server with the same key to another port', async () => {
  await open();
  const moved = await server('moved', world.openAnother({}));
  await reconfigure({ server: serverOf(moved) });
  await connect();
  expect(accepted).toEqual(['moved 10.0.0.2']);
});

describe('a wait for a handshake', () => {
  beforeEach(async () => {
    world.link.passes = ({ to }) => to.port !== world.server.port;
    await open();
  });

  it('waits for the handshake with the new server', async () => {
    const waiting = outcomeOf(tunnel.waitForHandshake(Infinity).then(() => 'done'));
    const other = await server('second', world.openAnother({}));
    await world.advance(1000);
    expect(waiting.value).toBeUndefined();
    await reconfigure({ server: serverOf(other) });
    expect(waiting.value).toBe('done');
  });

  it('continues after the previous server was given up', async () => {
    const health = async () => (await tunnel.status()).health;
    await world.advance(120_000);
    expect(await health()).toBe('stale');
    await reconfigure({ host: '127.0.0.2' });
    expect(await health()).toBe('connecting');
  });

  it('does not report the old server as silent if the dial began with it', async () => {
    const dialled = outcomeOf(tunnel.dialer.dial(TARGET));
    const other = await server('second', world.openAnother({}));
    let isThere = false;
    world.link.passes = ({ to }) => to.port !== world.server.port && isThere;
    await world.advance(9_900);
    await reconfigure({ server: serverOf(other) });
    await world.advance(1_000);
    expect(dialled.error).toBeUndefined();
    isThere = true;
    await world.advance(6_000);
    expect(accepted).toEqual(['second 10.0.0.2']);
    dialled.value?.on('error', () => undefined);
    expect(dialled.value).toBeDefined();
  });

  it('ignores the handshake of a peer that is not the Arc server', async () => {
    const waiting = outcomeOf(tunnel.waitForHandshake(Infinity).then(() => 'done'));
    const other = await world.openAnother({ privateKey: new Uint8Array(32).fill(6) });
    networks.push(other);
    const endpoint = `127.0.0.1:${other.endpoint.port}`;
    const peer = `public_key=${text(other.publicKey)}\nendpoint=${endpoint}`;
    await tunnel.converse().handle(`set=1\n${peer}\npersistent_keepalive_interval=5\n\n`);
    await settle();
    const [, added] = (await tunnel.status()).peers;
    expect(added!.latestHandshakeUnix).toBeDefined();
    expect(waiting.value).toBeUndefined();
    // The added peer stays when the server is replaced.
    await reconfigure({ host: '127.0.0.2' });
    expect((await tunnel.status()).peers[1]).toEqual(added);
  });
});

it.each([
  ['the same server', false],
  ['another', true],
])(
  'uses timestamps for %s later than those of an earlier process with the new key',
  async (_, isOther) => {
    await open();
    const key = text(crypto.publicKey(OTHER_KEY));
    // The earlier process's clock was years ahead.
    const last = Uint8Array.from([0x40, 0, 0, 0, 0x79, 0, 0, 0, 0, 0, 0, 0]);
    kept.set(key, last);
    const before = saved.length;
    expect(new Set(saved.map(([of]) => of))).toEqual(new Set([text(crypto.publicKey(CLIENT_KEY))]));
    const publicKey = crypto.publicKey(new Uint8Array(32).fill(6));
    const server = isOther ? { port: 1, publicKey } : world.server;
    await reconfigure({ privateKey: OTHER_KEY, server });
    const since = saved.slice(before);
    expect(since.map(([of]) => of)).toEqual([key]);
    expect(text(since[0]![1]) > text(last)).toBe(true);
  },
);

it('does so even if the key is changed through the UAPI', async () => {
  await open();
  const key = text(crypto.publicKey(OTHER_KEY));
  const last = Uint8Array.from([0x40, 0, 0, 0, 0x79, 0, 0, 0, 0, 0, 0, 0]);
  kept.set(key, last);
  await tunnel.converse().handle(`set=1\nprivate_key=${text(OTHER_KEY)}\n\n`);
  void tunnel.dialer.dial(TARGET).catch(() => undefined);
  await settle();
  expect(saved.at(-1)![0]).toBe(key);
  expect(text(saved.at(-1)![1]) > text(last)).toBe(true);
});

it('does not take over allowed IPs that were moved to another peer', async () => {
  await open();
  const other = await world.openAnother({ privateKey: new Uint8Array(32).fill(6) });
  networks.push(other);
  const peer = `public_key=${text(other.publicKey)}\nallowed_ip=100.127.0.0/16`;
  await tunnel.converse().handle(`set=1\n${peer}\n\n`);
  await reconfigure({ host: '127.0.0.2' });
  const prefixes = async () => (await tunnel.status()).peers.map(({ allowedIps }) => allowedIps);
  expect(await prefixes()).toEqual([[], ['100.127.0.0/16']]);
  await reconfigure({ host: '127.0.0.3', allowedIps: ['100.127.0.0/16', '192.0.2.0/24'] });
  expect(await prefixes()).toEqual([['100.127.0.0/16', '192.0.2.0/24'], []]);
  // Such a peer becomes the server.
  await reconfigure({ server: serverOf(other) });
  expect(await prefixes()).toEqual([['100.127.0.0/16']]);
});

it('restores a server that was removed', async () => {
  await open();
  await tunnel.converse().handle('set=1\nreplace_peers=true\n\n');
  // A server accepts no two initiations at the same time.
  await world.advance(100);
  await reconfigure({});
  await connect();
  expect(accepted).toEqual(['first 10.0.0.2']);
});

it('changes nothing if it cannot apply the change', async () => {
  await open();
  const stream = await connect();
  const status = await tunnel.status();
  const own = { port: 1, publicKey: crypto.publicKey(OTHER_KEY) };
  const impossible = { server: own, privateKey: OTHER_KEY, address: OTHER_CLIENT };
  await expect(reconfigure(impossible)).rejects.toThrow(RangeError);
  for (const change of [
    { addresses: [] },
    { serverPublicKey: new Uint8Array(31) },
    { persistentKeepalive: -1 },
  ]) {
    const config = { ...world.config({ privateKey: OTHER_KEY }), ...change };
    await expect(tunnel.reconfigure(config)).rejects.toThrow(RangeError);
  }
  stream.write('still there');
  await settle();
  expect(String(stream.read())).toBe('still there');
  expect(await tunnel.status()).toMatchObject({
    publicKey: status.publicKey,
    addresses: ['10.0.0.2'],
  });
});

it('applies no further changes when it closes', async () => {
  await open();
  const reconfigured = tunnel.reconfigure(world.config({ privateKey: OTHER_KEY }));
  const closed = tunnel.close();
  await expect(reconfigured).rejects.toMatchObject({ reason: 'closing' });
  await closed;
  await expect(tunnel.reconfigure(world.config())).rejects.toMatchObject({ reason: 'closing' });
});

it('applies simultaneous changes in order', async () => {
  await open();
  const other = await server('second', world.openAnother({}));
  await Promise.all([
    tunnel.reconfigure(world.config({ server: serverOf(other), address: OTHER_CLIENT })),
    tunnel.reconfigure(world.config({ server: serverOf(other) })),
  ]);
  await settle();
  await connect();
  expect(accepted).toEqual(['second 10.0.0.2']);
});

it('returns the memory of its packets when it closes without a handshake', async () => {
  await open({ server: { ...serverOf(networks[0]!), port: 1 } });
  const dialled = outcomeOf(tunnel.dialer.dial(TARGET));
  await settle();
  await tunnel.close({ gracePeriod: 0 });
  await settle();
  expect(dialled.error).toBeDefined();
  expect(isPacketMemoryFree()).toBe(true);
});
