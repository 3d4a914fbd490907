/**
 * The destinations of initiations: a real tunnel to a real server on a fake network, in virtual
 * time.
 */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { EndpointSearch, type SearchedPeer } from '../../../src/tunnel/server/endpoint-search.js';
import type { Endpoint } from '../../../src/ports/datagram.js';
import { ServerAddresses } from '../../../src/tunnel/server/server-addresses.js';
import type { UserspaceTunnel } from '../../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { systemError } from '../../support/fakes/memory-network.js';
import { DATA, INITIATION } from '../../support/message-types.js';
import {
  type InMemoryOptions,
  SERVICE,
  TunnelInMemory,
} from '../../support/pairs/tunnel-in-memory.js';

const NAME = 'link.arc.example';
const [A, B, C] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'] as const;
const [A6, B6] = ['2001:db8::1', '2001:db8::2'] as const;
const PORT = 23080;

let world: TunnelInMemory;
let tunnel: UserspaceTunnel;
/** Addresses at which the server is reachable. */
let alive: Set<string>;
let began: number;

beforeEach(async () => {
  world = new TunnelInMemory(createNodeCrypto());
  const network = await world.openNetwork();
  network.bindUdp({ address: parseIpAddress(SERVICE)!, port: PORT }, (payload, _from, reply) =>
    reply(payload),
  );
  alive = new Set([A, B, C, A6, B6]);
  world.link.passes = ({ to }) => to.port !== world.server.port || alive.has(to.address);
});
afterEach(async () => {
  await tunnel.close();
  await world.network.close();
  await world.settle();
  expect(world.clock.armed).toBe(0);
  expect(world.link.openSockets).toBe(0);
});

function named(addresses: readonly string[], ttl = 3_600_000): void {
  world.names.set(NAME, { addresses, ttl });
}

async function open(options: InMemoryOptions = {}): Promise<void> {
  began = world.clock.now();
  tunnel = await world.open({ host: NAME, ...options });
  await world.settle();
}

/**
 * The messages of one type that left for the server: the time in ms since open(), and the address.
 */
function sent(type: number): { at: number; to: string }[] {
  return world.link.sent
    .filter(({ bytes, to }) => bytes[0] === type && to.port === world.server.port)
    .map(({ at, to }) => ({ at: at - began, to: to.address }));
}

const asked = () => world.asked.map((at) => at - began);
const initiations = () => sent(INITIATION).map(({ to }) => to);
const isUp = () => tunnel.waitForHandshake(Infinity);

/** Sends a datagram and waits for its answer; false if none came within `timeout`. */
async function exchange(timeout: number): Promise<boolean> {
  let answer: Uint8Array | undefined;
  const opening = tunnel.datagramDialer.open({ host: SERVICE, port: PORT });
  await world.settle();
  const channel = await opening;
  channel.send(new Uint8Array([1]));
  void channel.receive(timeout).then((payload) => (answer = payload));
  for (let passed = 0; passed < timeout && answer === undefined; passed += 100) {
    await world.advance(100);
  }
  channel.close();
  return answer !== undefined;
}

describe('several addresses', () => {
  it('are tried in happy-eyeballs order, one initiation per 5 s', async () => {
    named([A6, B6, A]);
    alive.clear();
    await open();
    await world.advance(27_000);
    expect(initiations()).toEqual([A6, A, B6, A6, A, B6]);
    const times = sent(INITIATION).map(({ at }) => at);
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...gaps)).toBeLessThan(5_400);
  });

  it.each([
    ...['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETDOWN', 'ENETRESET'],
    ...['EINVAL', 'ENODEV', 'ENOTCONN', 'EPIPE', 'EBADF'],
  ])('are skipped at once if the system reports %s', async (code) => {
    named([A6, A, B6, B]);
    for (const address of [A6, A, B6]) world.link.refused.set(address, code);
    await open();
    await isUp();
    expect(world.clock.now()).toBe(began);
    expect(tunnel.endpoint?.address).toBe(B);
    // A datagram that never left is not counted.
    expect(tunnel.totals().sentBytes).toBe(148 + 32);
    expect(world.log.messages('warn')).toEqual([]);
  });

  it('need one DNS query per round, whatever their TTL', async () => {
    named([A6, B6, A], 0);
    world.link.refused.set(A6, 'ENETUNREACH').set(B6, 'ENETUNREACH');
    await open();
    await isUp();
    expect(asked()).toEqual([0]);
  });

  it('are skipped at once if this machine has no IPv6', async () => {
    named([A6, A]);
    world.link.unbindable.set('::', 'EAFNOSUPPORT');
    await open();
    await isUp();
    expect(world.clock.now()).toBe(began);
  });

  it('are tried once per round if the system refuses all, and again 5 s later', async () => {
    named([A6, A]);
    const refusals: string[] = [];
    world.link.refused.set(A6, 'ENETUNREACH').set(A, 'ENETUNREACH');
    const get = world.link.refused.get.bind(world.link.refused);
    world.link.refused.get = (address) => {
      refusals.push(address);
      return get(address);
    };
    await open();
    await world.advance(4_900);
    expect(refusals).toEqual([A6, A]);
    // Packets do not cause more attempts.
    const opening = tunnel.datagramDialer.open({ host: SERVICE, port: PORT });
    opening.catch(() => undefined);
    expect(refusals).toEqual([A6, A]);
    await world.advance(500);
    expect(refusals).toEqual([A6, A, A6, A]);
    expect(world.log.messages('warn')).toEqual(['cannot send to the Arc server']);
    world.link.refused.clear();
    await world.advance(5_400);
    await isUp();
  });

  it('do not change while the server asks for a cookie', async () => {
    const clock = world.clock;
    const addresses = new ServerAddresses({ host: NAME, port: 1 }, world.ports);
    named([A, B]);
    const peer: {
      rxBytes: number;
      hasSession: () => boolean;
      endpoint?: Endpoint | undefined;
      cookieReceivedAt?: number;
    } = { rxBytes: 0, hasSession: () => false };
    const socket = { remake: () => undefined, proved: () => undefined };
    const search = new EndpointSearch({ addresses, clock, socket, log: world.log });
    const initiationNotSent = () => next() !== undefined;
    const searched = { device: { initiationNotSent }, peer, schedule: () => undefined };
    search.attach(searched as unknown as SearchedPeer);
    const next = () => (peer.endpoint = search.choose(clock.now()))?.address;
    await addresses.resolve();
    expect([next(), next()]).toEqual([A, B]);
    clock.advance(1);
    peer.cookieReceivedAt = clock.now();
    clock.advance(5_000);
    expect(next()).toBe(B);
    clock.advance(5_000);
    expect(next()).toBe(A);
    // A cookie from before does not keep the tunnel at an address that is refused.
    peer.cookieReceivedAt = clock.now();
    const unsent = { bytes: new Uint8Array(148), endpoint: { address: A, port: 1 } };
    search.sendFailed(systemError('send', 'ENETUNREACH'), unsent);
    expect(peer.endpoint?.address).toBe(B);
    search.close();
    await open();
  });
});

describe('with an idle device', () => {
  const unsent = { bytes: new Uint8Array(148), endpoint: { address: A, port: 1 } };
  let retries: number;
  let search: EndpointSearch;

  beforeEach(async () => {
    named([A], 1_000);
    await open();
    retries = 0;
    const { clock, log } = world;
    const addresses = new ServerAddresses({ host: NAME, port: 1 }, world.ports);
    const socket = { remake: () => undefined, proved: () => undefined };
    search = new EndpointSearch({ addresses, clock, socket, log });
    const device = { retryHandshake: () => retries++, initiationNotSent: () => false };
    const peer = { rxBytes: 0, hasSession: () => false };
    search.attach({ device, peer, schedule: () => undefined } as unknown as SearchedPeer);
    await addresses.resolve();
  });
  afterEach(() => search.close());

  it('a resolver that answers after the hold is over does not cause an initiation', async () => {
    await world.advance(1_000);
    world.resolverDelay = 4_000;
    expect(search.choose(world.clock.now())).toBeUndefined();
    await world.advance(1_900);
    expect(retries).toBe(0);
    await world.advance(100);
    expect(retries).toBe(1);
    await world.advance(3_000);
    expect(retries).toBe(1);
  });

  it('a resolver that answers after close does not cause an initiation', async () => {
    await world.advance(1_000);
    world.resolverDelay = 1_000;
    search.choose(world.clock.now());
    search.close();
    await world.advance(3_000);
    expect(retries).toBe(0);
  });

  it('each kind of error is logged once, at whatever address', () => {
    const fail = (code: string, address: string) =>
      search.sendFailed(Object.assign(new Error(`send ${code} ${address}:1`), { code }), unsent);
    for (const address of [A, B, A]) fail('EPERM', address);
    expect(world.log.messages('warn')).toEqual(['cannot send to the Arc server']);
    expect(world.log.lines.at(-1)?.fields).toEqual({ reason: `send EPERM ${A}:1` });
    fail('EMSGSIZE', B);
    search.sendFailed(new Error('no code'), unsent);
    search.sendFailed(new Error('another'), unsent);
    expect(world.log.messages('warn')).toHaveLength(4);
  });
});

describe('a server that moves', () => {
  beforeEach(async () => {
    named([A]);
    await open();
    await world.advance(1_000);
    alive = new Set([B]);
    named([B]);
  });

  it('is found by its name after 15 s of silence', async () => {
    const from = world.clock.now() - began;
    expect(await exchange(15_500)).toBe(false);
    expect(asked()).toEqual([0, from + 15_000]);
    expect(tunnel.endpoint?.address).toBe(B);
    expect(await exchange(1_000)).toBe(true);
    expect(sent(INITIATION).at(-1)?.to).toBe(B);
    expect(world.log.messages('info')).toContain('the Arc server has moved to another address');
  });

  it('is not looked up while the tunnel has nothing to send', async () => {
    await world.advance(100_000);
    expect(asked()).toEqual([0]);
    expect(tunnel.endpoint?.address).toBe(A);
  });

  it('is not looked up if it answers again', async () => {
    alive.add(A);
    world.link.connected = false;
    await exchange(14_000);
    world.link.connected = true;
    expect(await exchange(1_000)).toBe(true);
    await world.advance(10_000);
    expect(asked()).toEqual([0]);
  });

  it('keeps its old address if it answers during the lookup', async () => {
    alive.add(A);
    world.resolverDelay = 1_000;
    world.link.connected = false;
    await exchange(15_500);
    world.link.connected = true;
    expect(await exchange(5_400)).toBe(true);
    await world.advance(2_000);
    expect(asked()).toHaveLength(2);
    expect(tunnel.endpoint?.address).toBe(A);
  });
});

describe('a session', () => {
  it('stays at its address while it is healthy, whatever DNS returns', async () => {
    named([A], 1);
    await open();
    named([B], 1);
    for (let time = 0; time < 60; time++) {
      expect(await exchange(1_000)).toBe(true);
      await world.advance(9_900);
    }
    // 600 s, so the session was renewed every 120 s.
    expect(initiations().length).toBeGreaterThan(3);
    expect(new Set(initiations())).toEqual(new Set([A]));
    expect(new Set(sent(DATA).map(({ to }) => to))).toEqual(new Set([A]));
    expect(asked()).toEqual([0]);
  });
});

it('tries the next address at once for a session whose initiation the system refuses', async () => {
  named([A, B, C]);
  await open();
  await world.advance(121_000);
  const tried: string[] = [];
  const get = world.link.refused.get.bind(world.link.refused);
  world.link.passes = ({ bytes }) => bytes[0] !== INITIATION;
  world.link.refused.set(A, 'ENETUNREACH').set(C, 'ENETUNREACH');
  world.link.refused.get = (address) => {
    tried.push(address);
    return get(address);
  };
  expect(await exchange(1_000)).toBe(false);
  // The datagram and the initiation that it triggers, in either order.
  const [first, ...others] = tried.filter((address) => address !== '127.0.0.1');
  expect(first).toBe(A);
  expect(others.filter((address) => address === B).length).toBeGreaterThanOrEqual(1);
  expect(others.filter((address) => address === A).length).toBeLessThanOrEqual(1);
  expect(initiations()).toEqual([A, B]);
});

it('tries the next address for an established session that has been silent for 15 s', async () => {
  named([A, B]);
  await open();
  await world.advance(10_000);
  alive.delete(A);
  expect(await exchange(21_000)).toBe(false);
  expect(initiations()).toEqual([A, A, B]);
  expect(await exchange(1_000)).toBe(true);
});

describe('the TTL', () => {
  it('is respected by a new attempt: the resolver is asked before each', async () => {
    named([A], 3_000);
    alive.clear();
    await open();
    named([B], 3_000);
    await world.advance(11_000);
    expect(sent(INITIATION).map(({ to }) => to)).toEqual([A, B, B]);
    const waits = sent(INITIATION).map(({ at }, index) => at - asked()[index]!);
    // A promise of the fake network takes up to one step of its clock.
    expect(waits.every((wait) => wait >= 0 && wait <= 100)).toBe(true);
    expect(asked()).toHaveLength(3);
  });

  it('is ignored if the resolver fails', async () => {
    named([A], 1_000);
    alive.clear();
    await open();
    world.names.set(NAME, systemError('getaddrinfo', 'EAI_AGAIN'));
    await world.advance(11_000);
    expect(initiations()).toEqual([A, A, A]);
    expect(world.log.messages('warn')).toEqual(['cannot resolve the Arc server; retrying']);
  });
});

describe('a silent server', () => {
  it('has its name resolved every 15 s', async () => {
    named([A]);
    alive.clear();
    await open();
    await world.advance(50_000);
    expect(asked()).toEqual([0, 15_000, 30_000, 45_000]);
  });

  it('is not tried again after 90 s until the next packet', async () => {
    named([A]);
    alive.clear();
    await open();
    await world.advance(120_000);
    const [tries, questions] = [initiations().length, asked().length];
    expect(tries).toBe(20);
    await world.advance(600_000);
    expect([initiations().length, asked().length]).toEqual([tries, questions]);
    alive.add(A);
    // The addresses are older than 15 s, but not older than their TTL.
    const opening = tunnel.datagramDialer.open({ host: SERVICE, port: PORT });
    await world.settle();
    await opening;
    expect(initiations()).toHaveLength(tries + 1);
  });
});

describe('a name that is not found', () => {
  it('is queried every 2 s, and the tunnel comes up after the name exists', async () => {
    await open();
    await world.advance(5_000);
    expect(asked()).toEqual([0, 2_000, 4_000]);
    named([A]);
    await world.advance(1_000);
    await isUp();
    expect(sent(INITIATION)).toEqual([{ at: 6_000, to: A }]);
  });

  it('fails a dial at once, over TCP and over UDP', async () => {
    await open();
    const failure = {
      reason: 'no-handshake',
      silence: 'name-not-found',
      message: `cannot find the Arc server ${NAME}: getaddrinfo ENOTFOUND`,
    };
    const target = { host: SERVICE, port: PORT };
    await expect(tunnel.dialer.dial(target)).rejects.toMatchObject(failure);
    await expect(tunnel.datagramDialer.open(target)).rejects.toMatchObject(failure);
  });

  it('lets a dial wait for a resolver that has not answered yet', async () => {
    world.resolverDelay = 3_000;
    named([A]);
    await open();
    const opening = tunnel.datagramDialer.open({ host: SERVICE, port: PORT });
    await world.advance(3_100);
    await opening;
  });
});

describe('roaming (2.1)', () => {
  it('reports the address that the server answers from, and sends to it', async () => {
    named([A, B]);
    await open();
    const receive = world.link.sent.at(-1)!;
    expect(receive.to.address).toBe(A);
    // The server's next answer comes from an address that is not in DNS.
    world.link.answerFrom = C;
    expect(await exchange(1_000)).toBe(true);
    expect(tunnel.endpoint).toEqual({ address: C, port: world.server.port });
    world.link.answerFrom = undefined;
    await world.advance(200_000);
    expect(await exchange(1_000)).toBe(true);
    expect(initiations().at(-1)).toBe(C);
  });

  it('gives up the address when it is silent', async () => {
    named([A, B]);
    await open();
    world.link.answerFrom = C;
    expect(await exchange(1_000)).toBe(true);
    world.link.answerFrom = undefined;
    alive.delete(C);
    await world.advance(200_000);
    const opening = tunnel.datagramDialer.open({ host: SERVICE, port: PORT });
    await world.advance(5_400);
    await opening;
    expect(initiations()).toEqual([A, C, A]);
  });
});

describe('a roamed address that was given up', () => {
  beforeEach(async () => {
    named([A], 60_000);
    await open();
    world.link.answerFrom = C;
    expect(await exchange(1_000)).toBe(true);
    world.link.answerFrom = undefined;
    alive.delete(C);
    // A server that has moved sends from its new address; this server must be looked up.
    const { passes } = world.link;
    world.link.passes = (datagram) =>
      passes(datagram) &&
      (datagram.to.port === world.server.port || datagram.bytes[0] !== INITIATION);
  });

  /**
   * The address at which the next session starts after the current one is over and DNS has changed.
   */
  async function nextInitiation(addresses: readonly string[]): Promise<string | undefined> {
    named(addresses, 60_000);
    await world.advance(300_000);
    const opening = tunnel.datagramDialer.open({ host: SERVICE, port: PORT });
    await world.settle();
    await opening;
    return initiations().at(-1);
  }

  it('is followed by the current address of DNS if it came from DNS', async () => {
    await world.advance(200_000);
    const opening = tunnel.datagramDialer.open({ host: SERVICE, port: PORT });
    await world.advance(5_400);
    await opening;
    expect(tunnel.endpoint?.address).toBe(A);
    expect(await nextInitiation([B])).toBe(B);
  });
});

describe('a network that goes away', () => {
  it('has its socket reopened, and the tunnel continues when the network is back', async () => {
    named([A]);
    await open();
    await world.advance(2_000);
    const { opened } = world.link;
    world.link.refused.set(A, 'ENETUNREACH');
    expect(await exchange(32_000)).toBe(false);
    expect(world.link.opened).toBeGreaterThan(opened + 1);
    expect(world.link.opened).toBeLessThan(opened + 6);
    expect(world.link.openSockets).toBe(2);
    world.link.refused.clear();
    await world.advance(5_400);
    expect(await exchange(1_000)).toBe(true);
    // The next outage is a new one: its delays start small again.
    const again = world.link.opened;
    world.link.refused.set(A, 'ENETUNREACH');
    expect(await exchange(1_000)).toBe(false);
    expect(world.link.opened).toBe(again + 1);
  });

  it('is not assumed because of a firewall', async () => {
    named([A]);
    await open();
    await world.advance(2_000);
    const { opened } = world.link;
    world.link.refused.set(A, 'EPERM');
    expect(await exchange(30_000)).toBe(false);
    expect(world.link.opened).toBe(opened);
  });

  it('logs one warning for each outage', async () => {
    named([A]);
    await open();
    for (let outage = 1; outage < 3; outage++) {
      await world.advance(2_000);
      world.link.refused.set(A, 'ENETUNREACH');
      expect(await exchange(3_000)).toBe(false);
      expect(await exchange(3_000)).toBe(false);
      world.link.refused.clear();
      expect(await exchange(10_000)).toBe(true);
      const warnings = world.log.messages('warn');
      expect(warnings).toEqual(Array(outage).fill('cannot send to the Arc server'));
    }
  });

  it.each(['ENOBUFS', 'EAGAIN'])(
    'is also assumed if there is no buffer space: %s',
    async (code) => {
      named([A]);
      world.link.refused.set(A, code);
      await open();
      let failure: unknown;
      const waiting = tunnel.waitForHandshake(world.clock.now() + 80_000);
      waiting.catch((error: unknown) => (failure = error));
      await world.advance(2_000);
      expect(world.log.messages('warn')).toEqual(['cannot send to the Arc server']);
      // The server's socket is one of them.
      expect(world.link.opened).toBe(2);
      await world.advance(78_000);
      expect(failure).toMatchObject({ reason: 'cannot-send' });
      expect(String(failure)).toContain(code);
      expect(world.log.messages('warn')).toEqual(['cannot send to the Arc server']);
      expect(world.link.opened).toBeGreaterThan(3);
      world.link.refused.clear();
      await world.advance(10_000);
      await isUp();
    },
  );
});
