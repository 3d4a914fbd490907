/** TCP sockets when their tunnel closes, in virtual time. */
import { once } from 'node:events';

import { FAR, NEAR, readText, serveNames, TwoTunnels } from '../../support/pairs/two-tunnels.js';

let world: TwoTunnels;

beforeEach(async () => {
  world = new TwoTunnels();
  await world.open();
});
afterEach(() => world.close());

/** The milliseconds that a promise takes to settle, in steps of 10. */
async function timeOf(promise: Promise<unknown>, limit?: number): Promise<number> {
  const { clock } = world.world;
  const before = clock.now();
  await world.run(promise, limit);
  return clock.now() - before;
}

/** Drops everything for this long. */
async function disconnect(duration: number): Promise<void> {
  world.world.link.connected = false;
  await world.pass(duration);
  world.world.link.connected = true;
}

it('delivers data that was written and ended, even with retransmissions', async () => {
  const { socket, other } = await world.pair();
  const heard = readText(other).finally(() => other.end());
  const text = 'x'.repeat(300_000);
  socket.end(text);
  const closing = world.near.close();
  await disconnect(500);
  expect(await timeOf(closing)).toBeLessThan(4_000);
  expect(await world.run(heard)).toBe(text);
  expect(other.errored).toBeNull();
  expect(world.world.link.openSockets).toBe(1);
});

it('delivers written data, and then resets sockets that were not ended', async () => {
  const { socket, other } = await world.pair();
  const chunks: Buffer[] = [];
  other.on('data', (chunk: Buffer) => chunks.push(chunk));
  const failure = new Promise((resolve) => other.once('error', resolve));
  const own = new Promise((resolve) => socket.once('error', resolve));
  socket.write('x'.repeat(300_000));
  const closing = world.near.close();
  await disconnect(500);
  await world.run(closing);
  expect(await world.run(failure)).toMatchObject({ code: 'ECONNRESET' });
  expect(Buffer.concat(chunks)).toHaveLength(300_000);
  expect(await own).toMatchObject({ code: 'ECONNABORTED' });
});

it('resets at once a socket with nothing in flight, while others drain', async () => {
  const idle = await world.pair();
  const busy = await world.pair();
  const failure = new Promise((resolve) => idle.socket.once('error', resolve));
  world.world.link.connected = false;
  busy.socket.end('x');
  const closing = world.near.close();
  await world.pass(10);
  expect(await failure).toMatchObject({ code: 'ECONNABORTED', syscall: 'read' });
  expect(busy.socket.errored).toBeNull();
  await world.run(closing);
});

it.each([
  [undefined, 5_000],
  [{ gracePeriod: 700 }, 700],
  [{ gracePeriod: 0 }, 0],
])('waits for at most %j, and then resets the rest', async (options, limit) => {
  const { socket } = await world.pair();
  const failure = new Promise((resolve) => socket.once('error', resolve));
  world.world.link.connected = false;
  socket.write('x');
  const time = await timeOf(world.near.close(options));
  expect(time).toBeGreaterThanOrEqual(limit);
  expect(time).toBeLessThan(limit + 50);
  expect(await failure).toMatchObject({ code: 'ECONNABORTED' });
});

it('delivers the remaining data of a stream that is destroyed', async () => {
  const { socket, other } = await world.pair();
  const heard = readText(other);
  socket.resume();
  other.end();
  socket.end('last words');
  await once(socket, 'finish');
  socket.destroy();
  const closing = world.near.close();
  await disconnect(500);
  await world.run(closing);
  expect(await world.run(heard)).toBe('last words');
});

it('lets the other side read and end, for a second', async () => {
  const { socket, other } = await world.pair();
  socket.end('x');
  const closing = world.near.close();
  await world.pass(500);
  const heard = readText(other);
  expect(await world.run(heard)).toBe('x');
  const time = await timeOf(closing);
  expect(time).toBeGreaterThan(300);
  expect(time).toBeLessThan(600);
});

it('does not wait for the second if the other side has ended', async () => {
  const { socket, other } = await world.pair();
  other.resume().on('end', () => other.end());
  socket.end('x');
  expect(await timeOf(world.near.close())).toBeLessThan(100);
});

it('lets a connecting socket finish only if it has data to send, even to a name', async () => {
  serveNames(world.far, { 'service.test': [FAR] });
  const texts: Promise<string>[] = [];
  world.far.listen({ port: 80 }, (socket) => texts.push(readText(socket)));
  world.near.connect({ host: FAR, port: 80 }).end('one');
  world.near.connect({ host: 'service.test', port: 80 }).end('two');
  const silent = world.near.connect({ host: FAR, port: 80 });
  const dial = world.near.dialer.dial({ host: FAR, port: 80 });
  const failures = [
    new Promise((resolve) => silent.once('error', resolve)),
    dial.catch((error: unknown) => error),
  ];
  await world.run(world.near.close());
  expect(await Promise.all(failures)).toMatchObject([
    { code: 'ECONNABORTED', syscall: 'connect' },
    { reason: 'closed' },
  ]);
  expect((await Promise.all(texts)).sort()).toEqual(['one', 'two']);
});

it('does not open sockets while it drains', async () => {
  const { socket } = await world.pair();
  world.world.link.connected = false;
  socket.end('x');
  const closing = world.near.close();
  expect(await world.error(world.near.connect({ host: FAR, port: 80 }))).toMatchObject({
    code: 'ECONNABORTED',
    syscall: 'connect',
  });
  expect(await world.error(world.near.listen({ port: 80 }))).toMatchObject({
    code: 'ECONNABORTED',
    syscall: 'listen',
  });
  await expect(world.near.dialer.dial({ host: FAR, port: 80 })).rejects.toMatchObject({
    reason: 'closed',
  });
  await world.run(closing);
});

it('also drains sockets of a dialer and of a server', async () => {
  const texts: string[] = [];
  const server = world.far.listen({ port: 80 }, (socket) => {
    void readText(socket).then((text) => texts.push(text));
  });
  const dialled = await world.run(world.near.dialer.dial({ host: FAR, port: 80 }));
  world.near.listen({ port: 81 }, (socket) => socket.end('from the server'));
  const [near] = [world.far.connect({ host: '10.0.0.2', port: 81 })];
  const heard = readText(near);
  await world.event(near, 'connect');
  dialled.end('from the dialer');
  const closing = world.near.close();
  await disconnect(500);
  await world.run(closing);
  expect(await world.run(heard)).toBe('from the server');
  expect(texts).toEqual(['from the dialer']);
  server.close();
});

it('returns one promise, and a later call can shorten the time', async () => {
  const { socket } = await world.pair();
  world.world.link.connected = false;
  socket.write('x');
  const closing = world.near.close();
  expect(world.near.close({ gracePeriod: 10_000 })).toBe(closing);
  expect(world.near.close({ gracePeriod: 300 })).toBe(closing);
  expect(await timeOf(closing)).toBeLessThan(400);
  expect(world.near.close()).toBe(closing);
});

it.each([-1, NaN, '5', null])('throws for a grace period of %p', (gracePeriod) => {
  expect(() => world.near.close({ gracePeriod: gracePeriod as number })).toThrow(RangeError);
});

it('does not wait for a server that was given up before or during the drain', async () => {
  const { socket } = await world.pair();
  world.world.link.connected = false;
  socket.write('x');
  const closing = world.near.close({ gracePeriod: Infinity });
  await world.pass(10_000);
  world.near.giveUp();
  expect(await timeOf(closing)).toBeLessThan(50);
  const far = world.far.connect({ host: NEAR, port: 80 });
  const failure = new Promise((resolve) => far.once('error', resolve));
  far.write('x');
  world.far.giveUp();
  expect(await timeOf(world.far.close())).toBeLessThan(50);
  await failure;
});

it('does not wait if the handshake has had no answer for 90 s', async () => {
  const { socket } = await world.pair();
  world.world.link.connected = false;
  world.near.createUdpSocket().send('x', 7, FAR);
  await world.pass(130_000);
  expect(world.world.log.messages('warn')).toContainEqual(expect.stringContaining('in 90 s'));
  socket.write('x');
  expect(await timeOf(world.near.close())).toBeLessThan(50);
}, 60_000);

it('leaves no timer running', async () => {
  const { socket } = await world.pair();
  await world.far.close({ gracePeriod: 0 });
  socket.on('error', () => undefined).end('x');
  await world.run(world.near.close({ gracePeriod: 1_000 }));
  expect(world.world.clock.armed).toBe(0);
});
