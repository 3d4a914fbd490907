import { TwoTunnels } from '../support/pairs/two-tunnels.js';

let world: TwoTunnels;

beforeEach(async () => {
  world = new TwoTunnels();
  await world.open();
});
afterEach(() => world.close());

it('emits handshake after each handshake', async () => {
  let handshakes = 0;
  world.near.on('handshake', () => handshakes++);
  const { clock } = world.world;
  const end = clock.now() + 150_000;
  while (clock.now() < end) {
    world.near.createUdpSocket().send('x', 9, '100.127.69.42');
    await world.pass(10_000);
  }
  // REKEY_AFTER_TIME is 120 s (whitepaper 6.1).
  expect(handshakes).toBe(1);
});

it('emits stale with the reason, and up after the next answer', async () => {
  const events: unknown[] = [];
  world.near.on('stale', ({ reason }) => events.push(reason));
  world.near.on('up', () => events.push('up'));
  world.world.link.connected = false;
  world.near.createUdpSocket().send('x', 9, '100.127.69.42');
  await world.pass(60_000);
  expect(events).toEqual(['no-data-back']);
  world.world.link.connected = true;
  await world.pass(30_000);
  expect(events).toEqual(['no-data-back', 'up']);
});

it('has no timer without a listener, and none after close()', async () => {
  const { clock } = world.world;
  const before = clock.armed;
  world.near.on('handshake', () => undefined);
  expect(clock.armed).toBe(before);
  world.near.on('up', () => undefined);
  expect(clock.armed).toBe(before + 1);
  await world.near.close({ gracePeriod: 0 });
  expect(clock.armed).toBeLessThan(before + 1);
  world.near.on('stale', () => undefined);
  expect(clock.armed).toBeLessThan(before + 1);
});
