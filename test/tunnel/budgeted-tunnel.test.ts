/** A tunnel whose traffic budget is used up, in memory and virtual time. */
import type { TrafficDays } from '../../src/lib/traffic-days.js';
import { accountName } from '../../src/tunnel/traffic/traffic-status.js';
import { cutError } from '../../src/tunnel/node/node-errors.js';
import { MemoryTrafficStore } from '../support/fakes/memory-traffic-store.js';
import { FAR, NEAR, serveNames, TwoTunnels } from '../support/pairs/two-tunnels.js';

const BUDGET = 1_000_000;
/** The day at which the virtual time begins, and how long it lasts. */
const TODAY = '2026-01-01';

let world: TwoTunnels;
let store: MemoryTrafficStore;

afterEach(() => world.close());

/** @param used the bytes that earlier processes have stored for today */
async function open(used: number, budget = { day: BUDGET }): Promise<void> {
  store = new MemoryTrafficStore();
  world = new TwoTunnels({ budget, traffic: store });
  const days: TrafficDays = { [TODAY]: { sentBytes: used, receivedBytes: 0 } };
  store.files.set(accountName(world.config('near'), world.world.ports), days);
  await world.open();
}

/** Sends so many bytes into a connection whose other side reads them. */
async function upload(bytes: number): Promise<void> {
  const { socket, other } = await world.pair();
  other.resume();
  socket.write(Buffer.alloc(bytes));
  while (socket.unacknowledgedBytes > 0 && !socket.destroyed) await world.pass(10);
}

it('keeps the session, but refuses new connections', async () => {
  await open(BUDGET);
  expect(world.near.lastHandshakeUnix).toBeDefined();
  const refused = { reason: 'over-budget', retryAfter: expect.any(Number) as number };
  await expect(world.near.dialer.dial({ host: FAR, port: 80 })).rejects.toMatchObject(refused);
});

it('refuses names without asking the name servers', async () => {
  await open(BUDGET);
  serveNames(world.far, { 'one.test': [FAR] });
  const before = world.near.totals().sentBytes;
  const target = { host: 'one.test', port: 80 };
  await expect(world.near.dialer.dial(target)).rejects.toMatchObject({ reason: 'over-budget' });
  await expect(world.near.promises.lookup('one.test')).rejects.toMatchObject({ code: 'EDQUOT' });
  expect(world.near.totals().sentBytes).toBe(before);
});

it('fails the sockets of a program with EDQUOT', async () => {
  await open(BUDGET);
  const socket = world.near.connect({ host: FAR, port: 80 });
  expect(await world.error(socket)).toMatchObject({
    ...{ code: 'EDQUOT', syscall: 'connect', address: FAR, port: 80 },
    cause: { reason: 'over-budget' },
  });
  const udp = world.near.createUdpSocket();
  const sent = new Promise((resolve) => udp.send('x', 53, FAR, resolve));
  expect(await world.run(sent)).toMatchObject({
    ...{ code: 'EDQUOT', syscall: 'send' },
    cause: { reason: 'over-budget' },
  });
  expect(udp.trySend(Buffer.from('x'), 53, FAR)).toBe(false);
});

it('refuses UDP and pings', async () => {
  await open(BUDGET);
  const { datagramDialer, datagramPorts, echoDialer } = world.near;
  const refused = { reason: 'over-budget' };
  await expect(datagramDialer.open({ host: FAR, port: 53 })).rejects.toMatchObject(refused);
  await expect(datagramPorts.bind(() => undefined)).rejects.toMatchObject(refused);
  await expect(echoDialer.open(FAR)).rejects.toMatchObject(refused);
});

it('refuses the datagrams and pings of what is open', async () => {
  await open(0);
  const { datagramDialer, datagramPorts, echoDialer } = world.near;
  const channel = await world.run(datagramDialer.open({ host: FAR, port: 53 }));
  const port = await datagramPorts.bind(() => undefined);
  const echo = await world.run(echoDialer.open(FAR));
  const to = { address: Uint8Array.of(100, 127, 69, 42), port: 53 };
  channel.send(Uint8Array.of(1));
  expect(port.send(Uint8Array.of(1), to)).toBeUndefined();
  echo.send(1, Uint8Array.of(1));
  await upload(BUDGET);
  const refused = { reason: 'over-budget' };
  expect(() => channel.send(Uint8Array.of(1))).toThrow(expect.objectContaining(refused) as Error);
  expect(port.send(Uint8Array.of(1), to)).toBe('over-budget');
  expect(() => echo.send(2, Uint8Array.of(1))).toThrow(expect.objectContaining(refused) as Error);
});

it('resets connections from inside the tunnel', async () => {
  await open(BUDGET);
  let connections = 0;
  const server = world.near.listen({ port: 80 }, () => connections++);
  await world.event(server, 'listening');
  const socket = world.far.connect({ host: NEAR, port: 80 });
  expect(await world.error(socket)).toMatchObject({ code: 'ECONNRESET' });
  expect(connections).toBe(0);
  server.close();
});

it('lets open connections finish, then resets them', async () => {
  await open(0);
  const { socket, other } = await world.pair();
  // With headers and acknowledgements, this stays below the budget.
  await upload(BUDGET * 0.85);
  while ((await used()) < BUDGET) await ping();
  await expect(world.near.dialer.dial({ host: FAR, port: 80 })).rejects.toMatchObject({
    reason: 'over-budget',
  });
  expect(socket.isQuiet).toBe(false);
  const error = world.error(socket);
  const lost = world.error(other);
  socket.write('the rest');
  const [bytes] = (await world.event(other, 'data')) as [Buffer];
  expect(bytes.toString()).toBe('the rest');
  expect(await error).toMatchObject({ code: 'EDQUOT', message: cutError().message });
  expect(await lost).toMatchObject({ code: 'ECONNRESET' });

  async function used(): Promise<number> {
    return (await world.near.status()).traffic!.budget![0]!.usedBytes;
  }

  async function ping(): Promise<void> {
    socket.write(Buffer.alloc(1_000));
    await world.event(other, 'data');
    await world.pass(50);
  }
});

it('stops an upload soon after the budget is used up', async () => {
  await open(0);
  const { socket, other } = await world.pair();
  other.resume();
  socket.write(Buffer.alloc(10 * BUDGET));
  expect(await world.error(socket)).toMatchObject({ code: 'EDQUOT' });
  await world.pass(1_000);
  const [use] = (await world.near.status()).traffic!.budget!;
  expect(use!.usedBytes).toBeGreaterThan(BUDGET);
  expect(use!.usedBytes).toBeLessThan(1.5 * BUDGET);
});

it('has no budget in its status unless it was set', async () => {
  world = new TwoTunnels();
  await world.open();
  expect((await world.near.status()).traffic?.budget).toBeUndefined();
});
