/** UDP through a tunnel to the emulator's network, in virtual time. */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import type { DatagramChannel } from '../../../src/proxy/datagram-dialer.js';
import type { UserspaceTunnel } from '../../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { thrownBy } from '../../proxy/support/thrown.js';
import { SERVICE, TunnelInMemory } from '../../support/pairs/tunnel-in-memory.js';

const PORT = 23080;
const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

let world: TunnelInMemory;
let tunnel: UserspaceTunnel;
/** Payloads that the server received, and a function that answers the last sender. */
let received: string[];
let answer: (payload: Uint8Array) => void;

beforeEach(async () => {
  world = new TunnelInMemory(createNodeCrypto());
  received = [];
  const network = await world.openNetwork();
  network.bindUdp({ address: parseIpAddress(SERVICE)!, port: PORT }, (payload, _from, reply) => {
    received.push(text(payload)!);
    answer = reply;
  });
  tunnel = await world.open();
  await world.settle();
});
afterEach(async () => {
  await tunnel.close();
  await world.network.close();
});

/** Another tunnel with the same key, opened later: its initiation has a newer timestamp. */
async function reopen(allowedIps?: readonly string[]): Promise<void> {
  await tunnel.close();
  await world.advance(1_000);
  tunnel = await world.open(allowedIps && { allowedIps });
}

async function open(host = SERVICE, port = PORT): Promise<DatagramChannel> {
  const opening = tunnel.datagramDialer.open({ host, port });
  await world.settle();
  return opening;
}

it('carries a datagram to its target and returns the answer', async () => {
  const channel = await open();
  channel.send(bytes('21.5'));
  await world.settle();
  expect(received).toEqual(['21.5']);
  const first = channel.receive(5_000);
  answer(bytes('201 '));
  await world.settle();
  expect(text(await first)).toBe('201 ');
});

it('distinguishes an empty answer from no answer', async () => {
  const channel = await open();
  channel.send(bytes('x'));
  await world.settle();
  answer(new Uint8Array(0));
  await world.settle();
  expect(await channel.receive(1_000)).toEqual(new Uint8Array(0));
  const none = channel.receive(1_000);
  await world.advance(999);
  let settled = false;
  void none.then(() => (settled = true));
  await world.settle();
  expect(settled).toBe(false);
  await world.advance(1);
  expect(await none).toBeUndefined();
  expect(world.clock.armed).toBeLessThan(10);
});

it('sends 1392 bytes, but refuses one more', async () => {
  const channel = await open();
  expect(channel.maxPayload).toBe(1392);
  channel.send(new Uint8Array(1392).fill(0x61));
  await world.settle();
  expect(received[0]).toBe('a'.repeat(1392));
  expect(() => channel.send(new Uint8Array(1393))).toThrow(RangeError);
});

it('fails with exhausted if the queue to the tunnel is full', async () => {
  const channel = await open();
  let taken = 0;
  const fill = () => {
    for (; taken < 5_000; taken++) channel.send(bytes('x'));
  };
  expect(thrownBy(fill)).toMatchObject({ reason: 'exhausted' });
  expect(taken).toBe(1024);
});

/** Subscribes to a channel that was opened by the tunnel. */
async function subscribe(port: number, before: (channel: DatagramChannel) => Promise<void>) {
  const opening = tunnel.datagramDialer.open({ host: SERVICE, port });
  await world.settle();
  const channel = await opening;
  await before(channel);
  const heard: (string | undefined)[] = [];
  const errors: Error[] = [];
  channel.subscribe({
    onDatagram: (payload) => heard.push(text(payload)),
    onError: (error) => errors.push(error),
  });
  return { channel, heard, errors };
}

it('passes datagrams to handlers, beginning with those that have waited', async () => {
  const { channel, heard, errors } = await subscribe(PORT, async (opened) => {
    opened.send(bytes('ask'));
    await world.settle();
    answer(bytes('1'));
    answer(bytes('2'));
    await world.settle();
  });
  expect(heard).toEqual(['1', '2']);
  answer(bytes('3'));
  await world.settle();
  expect(heard).toEqual(['1', '2', '3']);
  channel.close();
  answer(bytes('4'));
  await world.settle();
  expect(heard).toHaveLength(3);
  expect(errors).toEqual([]);
});

it('passes an earlier ICMP error, and the loss of the address, to the handlers', async () => {
  const { errors } = await subscribe(9, async (opened) => {
    opened.send(bytes('x'));
    await world.settle();
  });
  expect(errors).toMatchObject([{ reason: 'refused' }]);
  await tunnel.reconfigure(world.config({ address: '10.0.0.9' }));
  expect(errors).toMatchObject([{ reason: 'refused' }, { reason: 'unreachable' }]);
});

it('fails if ICMP reports that the port is unreachable', async () => {
  const channel = await open(SERVICE, 9);
  const waiting = channel.receive(5_000);
  channel.send(bytes('x'));
  const refused = expect(waiting).rejects.toMatchObject({ reason: 'refused' });
  await world.settle();
  await refused;
  channel.send(bytes('x'));
  await world.advance(2_000);
  await expect(channel.receive(5_000)).rejects.toMatchObject({ reason: 'refused' });
});

it('waits for the handshake, and sends after it', async () => {
  world.link.connected = false;
  await reopen();
  const opening = tunnel.datagramDialer.open({ host: SERVICE, port: PORT });
  await world.advance(4_000);
  world.link.connected = true;
  await world.advance(4_000);
  (await opening).send(bytes('late'));
  await world.settle();
  expect(received).toEqual(['late']);
});

it('fails with no-handshake after 10 s with a silent server', async () => {
  world.link.connected = false;
  await reopen();
  const opening = tunnel.datagramDialer.open({ host: SERVICE, port: PORT });
  const outcome = opening.catch((error: unknown) => error);
  let settled = false;
  void outcome.then(() => (settled = true));
  await world.advance(9_900);
  expect(settled).toBe(false);
  await world.advance(200);
  expect(await outcome).toMatchObject({ reason: 'no-handshake' });
});

it.each([
  ['192.0.2.1', 'no-route'],
  // No name server answers.
  ['uni.soracom.io', 'name-unresolved'],
])('cannot open a channel to %s: %s', async (host, reason) => {
  await expect(tunnel.datagramDialer.open({ host, port: PORT })).rejects.toMatchObject({ reason });
});

it('has no route to an IPv6 target, even within the allowed IPs', async () => {
  await reopen(['::/0']);
  await world.settle();
  await expect(open('2001:db8::1')).rejects.toMatchObject({ reason: 'no-route' });
});

it('rejects an aborted wait with its reason', async () => {
  const channel = await open();
  const controller = new AbortController();
  const waiting = channel.receive(5_000, controller.signal);
  controller.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  await expect(channel.receive(5_000, controller.signal)).rejects.toThrow('gone');
  await expect(
    tunnel.datagramDialer.open({ host: SERVICE, port: PORT }, controller.signal),
  ).rejects.toThrow('gone');
});

it('rejects pending waits when the tunnel closes', async () => {
  const channel = await open();
  world.link.connected = false;
  await world.advance(200_000);
  const opening = expect(
    tunnel.datagramDialer.open({ host: SERVICE, port: PORT }),
  ).rejects.toMatchObject({ reason: 'closed' });
  const waiting = expect(channel.receive(5_000)).rejects.toMatchObject({ reason: 'closed' });
  await tunnel.close();
  await opening;
  await waiting;
  expect(thrownBy(() => channel.send(bytes('x')))).toMatchObject({ reason: 'closed' });
  await expect(tunnel.datagramDialer.open({ host: SERVICE, port: PORT })).rejects.toMatchObject({
    reason: 'closed',
  });
});

it('allows 8,192 channels at once, and another one after one of them is closed', async () => {
  const opening = Array.from({ length: 8_192 }, () =>
    tunnel.datagramDialer.open({ host: SERVICE, port: PORT }),
  );
  const [first] = await Promise.all(opening);
  await expect(open()).rejects.toMatchObject({ reason: 'exhausted' });
  first!.close();
  first!.close();
  await expect(first!.receive(1)).rejects.toMatchObject({ reason: 'closed' });
  await open();
  await expect(open()).rejects.toMatchObject({ reason: 'exhausted' });
});
