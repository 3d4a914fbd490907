/** Pings through a tunnel to the emulator's network, in virtual time. */
import dnsPacket from 'dns-packet';

import { createNodeCrypto } from '../../../src/crypto/node.js';
import type { EchoChannel } from '../../../src/proxy/echo-dialer.js';
import type { PingOptions } from '../../../src/tunnel/node/ping.js';
import { UserspaceTunnel } from '../../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { thrownBy } from '../../proxy/support/thrown.js';
import { SERVICE, TunnelInMemory } from '../../support/pairs/tunnel-in-memory.js';
import { echoErrorText } from '../../../src/tunnel/node/echo-channel.js';
import type { EchoError } from '../../../src/netstack/stack.js';

let world: TunnelInMemory;
let tunnel: UserspaceTunnel;
/** The addresses of each name; `undefined` for a name that does not exist. */
let names: Map<string, readonly string[]>;

beforeEach(async () => {
  world = new TunnelInMemory(createNodeCrypto());
  names = new Map();
  const network = await world.openNetwork();
  network.bindUdp({ address: parseIpAddress(SERVICE)!, port: 53 }, (payload, _from, reply) => {
    const { id, questions = [] } = dnsPacket.decode(Buffer.from(payload));
    const name = questions[0]?.name ?? '';
    const answers = (names.get(name) ?? []).map((data) => ({ type: 'A', name, data }) as const);
    const rcode = names.has(name) ? 0 : 3;
    reply(dnsPacket.encode({ type: 'response', id, flags: rcode, questions, answers }));
  });
  const config = { ...world.config(), nameServers: [SERVICE] };
  tunnel = await UserspaceTunnel.open(config, world.ports);
  await world.settle();
});
afterEach(async () => {
  await tunnel.close();
  await world.network.close();
});

async function open(host = SERVICE): Promise<EchoChannel> {
  const opening = tunnel.echoDialer.open(host);
  await world.settle();
  return opening;
}

/** The outcome of tunnel.ping(), with the errors. */
async function ping(host: string, options: PingOptions = {}, wait = 0): Promise<unknown> {
  const outcome = tunnel.ping(host, options).catch((error: unknown) => error);
  await world.advance(wait);
  await world.settle();
  return outcome;
}

it('sends a request and returns the reply with its time of arrival', async () => {
  const channel = await open();
  expect(channel.address).toBe(SERVICE);
  const sentAt = channel.send(3, Uint8Array.of(1, 2));
  expect(sentAt).toBe(world.clock.now());
  const reply = channel.receive(1_000);
  await world.settle();
  expect(await reply).toEqual({
    kind: 'reply',
    sequence: 3,
    at: world.clock.now(),
    payload: Uint8Array.of(1, 2),
    ttl: 64,
  });
});

it('sends 1392 bytes, but refuses one more', async () => {
  const channel = await open();
  expect(channel.maxPayload).toBe(1392);
  channel.send(1, new Uint8Array(1392));
  expect(() => channel.send(2, new Uint8Array(1393))).toThrow(RangeError);
});

it('fails with exhausted if the queue to the tunnel is full', async () => {
  const channel = await open();
  let sent = 0;
  const fill = () => {
    for (; sent < 5_000; sent++) channel.send(sent, new Uint8Array(0));
  };
  expect(thrownBy(fill)).toMatchObject({ reason: 'exhausted' });
  expect(sent).toBe(1024);
});

it('allows 256 channels at once', async () => {
  const channels = await Promise.all(
    Array.from({ length: 256 }, () => tunnel.echoDialer.open(SERVICE)),
  );
  await expect(open()).rejects.toMatchObject({ reason: 'exhausted' });
  channels[0]!.close();
  channels[0]!.close();
  await expect(channels[0]!.receive(1)).rejects.toMatchObject({ reason: 'closed' });
  await expect(open()).resolves.toBeDefined();
});

it('ends pending waits when the tunnel closes', async () => {
  const channel = await open();
  const waiting = expect(channel.receive(5_000)).rejects.toMatchObject({ reason: 'closed' });
  await tunnel.close();
  await waiting;
  expect(thrownBy(() => channel.send(1, new Uint8Array(0)))).toMatchObject({ reason: 'closed' });
  await expect(tunnel.echoDialer.open(SERVICE)).rejects.toMatchObject({ reason: 'closed' });
});

it('ends a channel whose local address was removed', async () => {
  const channel = await open();
  const waiting = expect(channel.receive(5_000)).rejects.toMatchObject({ reason: 'unreachable' });
  await tunnel.reconfigure(world.config({ address: '10.0.0.9' }));
  await waiting;
  expect(thrownBy(() => channel.send(1, new Uint8Array(0)))).toMatchObject({
    reason: 'unreachable',
  });
});

it('resolves a name inside the tunnel, and uses the first address that has a route', async () => {
  names.set('pong.test', ['192.0.2.1', SERVICE]);
  expect((await open('pong.test')).address).toBe(SERVICE);
  names.set('outside.test', ['192.0.2.1', '192.0.2.2']);
  await expect(open('outside.test')).rejects.toMatchObject({
    reason: 'no-route',
    message: expect.stringContaining('192.0.2.1') as string,
  });
  await expect(open('nowhere.test')).rejects.toMatchObject({ reason: 'no-such-name' });
});

it.each([
  [SERVICE, `${SERVICE} is not an IPv6 address`],
  ['pong.test', 'pong.test does not have an IPv6 address'],
])('refuses %s for IPv6', async (host, message) => {
  names.set('pong.test', [SERVICE]);
  expect(await ping(host, { family: 6 })).toMatchObject({ reason: 'no-such-name', message });
});

describe('ping() of the library', () => {
  it('returns the reply with its round-trip time', async () => {
    names.set('pong.test', [SERVICE]);
    const reply = { from: SERVICE, rtt: 0, ttl: 64, sequence: 1 };
    expect(await ping('pong.test')).toEqual({ ...reply, bytes: 64 });
    expect(await ping(SERVICE, { size: 8 })).toEqual({ ...reply, bytes: 16 });
  });

  it('fails with timeout after one second without a reply', async () => {
    world.link.connected = false;
    const outcome = tunnel.ping(SERVICE).catch((error: unknown) => error);
    let settled = false;
    void outcome.then(() => (settled = true));
    await world.advance(999);
    expect(settled).toBe(false);
    await world.advance(1);
    expect(await outcome).toMatchObject({ reason: 'timeout' });
  });

  it('sends up to `count` requests, and returns the first reply', async () => {
    world.link.connected = false;
    const outcome = tunnel.ping(SERVICE, { count: 3, timeout: 500 });
    await world.advance(600);
    world.link.connected = true;
    await world.advance(500);
    expect(await outcome).toMatchObject({ sequence: 3, rtt: 0 });
  });

  it('fails with unreachable after an ICMP error', async () => {
    await tunnel.close();
    await world.advance(1_000);
    tunnel = await world.open({ allowedIps: ['0.0.0.0/0'] });
    await world.settle();
    const opening = tunnel.ping(SERVICE);
    // The peer's allowed IPs change between the route's check and the packet.
    await Promise.resolve();
    await tunnel.reconfigure(world.config({ allowedIps: ['192.0.2.0/24'] }));
    await world.settle();
    await expect(opening).rejects.toMatchObject({
      reason: 'unreachable',
      message: `${SERVICE} reports: Destination Host Unreachable`,
    });
  });

  it.each([
    [{ count: 0 }, 'count must be a number from 1 to 65535, not 0'],
    [{ count: 1.5 }, 'count must be a number from 1 to 65535, not 1.5'],
    [{ timeout: 0 }, 'timeout must be a number from 1 to Infinity, not 0'],
    [{ size: -1 }, 'size must be a number from 0 to 65535, not -1'],
    [{ size: 1393 }, 'the payload is 1393 bytes long'],
  ])('throws a RangeError for %j', async (options, message) => {
    const error = await ping(SERVICE, options);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as RangeError).message).toContain(message);
  });
});

const FROM = Uint8Array.of(10, 0, 0, 1);

function text(kind: EchoError['kind'], type: number, code: number, isIpv6 = false): string {
  return echoErrorText({ kind, type, code, sequence: 1, from: FROM }, isIpv6);
}

it('uses the words of ping(8)', () => {
  expect(text('unreachable', 3, 1)).toBe('Destination Host Unreachable');
  expect(text('port-unreachable', 3, 3)).toBe('Destination Port Unreachable');
  expect(text('unreachable', 3, 99)).toBe('Dest Unreachable, Bad Code: 99');
  expect(text('time-exceeded', 11, 0)).toBe('Time to live exceeded');
  expect(text('time-exceeded', 11, 1)).toBe('Frag reassembly time exceeded');
  expect(text('too-big', 3, 4)).toBe('Frag needed and DF set');
  expect(text('other', 12, 0)).toBe('ICMP error: type 12, code 0');
});

it('uses the words of ping(8) for IPv6', () => {
  expect(text('unreachable', 1, 3, true)).toBe('Destination unreachable: Address unreachable');
  expect(text('unreachable', 1, 99, true)).toBe('Destination unreachable: Unknown code 99');
  expect(text('time-exceeded', 3, 0, true)).toBe('Time exceeded: Hop limit');
  expect(text('time-exceeded', 3, 1, true)).toBe('Time exceeded: Defragmentation failure');
  expect(text('too-big', 2, 0, true)).toBe('Packet too big');
});
