/** Open connections and sockets inside a tunnel whose own addresses change. */
import { once } from 'node:events';

import {
  FAR,
  FAR_IPV6,
  NAME_SERVER,
  NEAR,
  serveNames,
  TwoTunnels,
} from '../support/pairs/two-tunnels.js';

const MOVED = '10.0.0.3';
const MOVED_IPV6 = 'fd00:77::3';

let world: TwoTunnels;

beforeEach(async () => {
  world = new TwoTunnels();
  await world.open();
});
afterEach(() => world.close());

function move(addresses = [MOVED, MOVED_IPV6], nameServers = [NAME_SERVER]): Promise<void> {
  return world.run(world.near.reconfigure(world.config('near', { addresses, nameServers })));
}

/** The code of a promise's rejection. */
async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error as NodeJS.ErrnoException).code,
  );
}

it('resets connections at both ends at once, and accepts new ones at the new address', async () => {
  const { socket } = await world.pair();
  const listening = world.near.listen({ port: 90 }, (accepted) => {
    accepted.on('error', () => undefined);
  });
  const inbound = world.far.connect({ host: NEAR, port: 90 });
  const [accepted] = (await world.event(listening, 'connection')) as [typeof socket];
  const errors: unknown[] = [];
  for (const end of [socket, accepted]) {
    end.on('error', (error: NodeJS.ErrnoException) => errors.push([error.code, error.message]));
  }
  inbound.on('error', () => undefined);
  await move();
  await world.pass(10);
  const why = 'the address of this tunnel has changed';
  expect(errors).toEqual([
    ['ECONNABORTED', why],
    ['ECONNABORTED', why],
  ]);
  const again = world.far.connect({ host: MOVED, port: 90 }).on('error', () => undefined);
  await world.event(again, 'connect');
  const { other } = await world.pair();
  expect(other.remoteAddress).toBe(MOVED);
});

it('keeps connections and sockets of an address that stays', async () => {
  const { socket, other } = await world.pair();
  await move([MOVED, NEAR]);
  socket.write('still there');
  const [payload] = await world.event(other, 'data');
  expect(String(payload)).toBe('still there');
});

it('rejects pending dials and pending receives with the reason', async () => {
  const { dialer, datagramDialer } = world.near;
  // Nothing answers at this address: datagrams sent there are lost.
  const dialled = dialer.dial({ host: '100.127.9.9', port: 80 });
  const reason = { reason: 'unreachable', message: 'the address of this tunnel has changed' };
  const channel = await world.run(datagramDialer.open({ host: FAR, port: 7 }));
  const received = channel.receive(60_000);
  const both = [
    expect(dialled).rejects.toMatchObject(reason),
    expect(received).rejects.toMatchObject(reason),
  ];
  await world.pass(10);
  await move();
  await Promise.all(both);
  expect(() => channel.send(Uint8Array.of(1))).toThrow(reason.message);
  await expect(channel.receive(60_000)).rejects.toMatchObject(reason);
  channel.close();
  expect(() => channel.send(Uint8Array.of(1))).toThrow('closed');
});

it('closes only the UDP sockets that were bound to the old address, with an error', async () => {
  const bound = world.near.createUdpSocket().bind(7, NEAR);
  const connected = world.near.createUdpSocket();
  connected.connect(7, FAR);
  await world.event(connected, 'connect');
  const any = world.near.createUdpSocket().bind(8);
  const events: unknown[] = [];
  for (const [name, socket] of Object.entries({ bound, connected, any })) {
    socket.on('error', ({ code, syscall }: NodeJS.ErrnoException) =>
      events.push([name, code, syscall]),
    );
    socket.on('close', () => events.push([name, 'close']));
  }
  await move();
  await world.pass(10);
  expect(events).toEqual([
    ['bound', 'ECONNABORTED', 'recv'],
    ['connected', 'ECONNABORTED', 'recv'],
    ['bound', 'close'],
    ['connected', 'close'],
  ]);
  const far = world.far.createUdpSocket().bind(7);
  any.send('from the new address', 7, FAR);
  const [, remote] = await world.event(far, 'message');
  expect(remote).toMatchObject({ address: MOVED, port: 8 });
  expect(() => world.near.createUdpSocket().bind(9, MOVED)).not.toThrow();
});

it('has no route to a removed address family, and does not query names for it', async () => {
  serveNames(world.far, { 'both.test': [FAR, FAR_IPV6] });
  const lookUp = (options: { all: true }) =>
    world.run(world.near.promises.lookup('both.test', options));
  expect(await lookUp({ all: true })).toHaveLength(2);
  await move([MOVED]);
  expect(await lookUp({ all: true })).toEqual([{ address: FAR, family: 4 }]);
  const refused = codeOf(once(world.near.connect({ host: FAR_IPV6, port: 80 }), 'connect'));
  expect(await world.run(refused)).toBe('ENETUNREACH');
  const socket = world.near.createUdpSocket().bind(7);
  expect(socket.address()).toMatchObject({ address: '0.0.0.0' });
});

it('queries the new name servers, and ignores answers of the old ones', async () => {
  const other = FAR;
  serveNames(world.far, { 'name.test': ['100.127.0.1'] });
  serveNames(world.far, { 'name.test': ['100.127.0.2'] }, other);
  const lookUp = async () => (await world.run(world.near.promises.lookup('name.test'))).address;
  expect(await lookUp()).toBe('100.127.0.1');
  await move([MOVED], [other]);
  expect(await lookUp()).toBe('100.127.0.2');
});

it('repeats a query whose answer went to the old address', async () => {
  const silent = world.far.createUdpSocket().bind(53, NAME_SERVER);
  const found = world.near.promises.lookup('late.test', { family: 4 });
  await world.event(silent, 'message');
  silent.close();
  serveNames(world.far, { 'late.test': [FAR] });
  await move();
  const began = world.world.clock.now();
  expect((await world.run(found)).address).toBe(FAR);
  // At once, before the server would count as silent.
  expect(world.world.clock.now() - began).toBeLessThan(1000);
});
