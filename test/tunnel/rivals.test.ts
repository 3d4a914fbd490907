/** What is no rival of a tunnel, whatever it looks like; two tunnels are in test/interop/rivals.test.ts. */
import { createNodeCrypto } from '../../src/crypto/node.js';
import { type Rival, UserspaceTunnel } from '../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { SERVICE, TunnelInMemory } from '../support/tunnel-in-memory.js';

/** A tunnel that dials once a second, and what it has told of rivals. */
async function watched() {
  const world = new TunnelInMemory(createNodeCrypto());
  const network = await world.openNetwork();
  network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) => {
    stream.on('error', () => undefined).resume();
  });
  const tunnel = await UserspaceTunnel.open(world.config(), world.ports, { watchForRivals: true });
  const rivals: Rival[] = [];
  tunnel.onRival((rival) => rivals.push(rival));
  await world.advance(1_000);
  const dialFor = async (duration: number): Promise<void> => {
    for (let passed = 0; passed < duration; passed += 1_000) {
      tunnel.dialer.dial({ host: SERVICE, port: 80 }).then(
        (stream) => stream.destroy(),
        () => undefined,
      );
      await world.advance(1_000);
    }
  };
  return { world, tunnel, rivals, dialFor };
}

it('is not loss of 10 %, each way', async () => {
  const { world, rivals, dialFor } = await watched();
  let serial = 0;
  world.link.passes = () => (serial++ * 7_919) % 97 >= 10;
  await dialFor(240_000);
  expect(rivals).toEqual([]);
}, 60_000);

it('is not a freeze of ten minutes, nor what comes late for the session before', async () => {
  const { world, rivals, dialFor } = await watched();
  await dialFor(5_000);
  const { port } = world.server;
  const old = world.link.sent.filter(({ to, bytes }) => to.port !== port && bytes[0] === 4);
  world.wallOffset += 600_000;
  await dialFor(5_000);
  const last = old.at(-1)!;
  // The server is silent from now on, but for what it had sent before.
  const own = await world.link.open({ address: '127.0.0.1', port });
  own.send([{ bytes: last.bytes, endpoint: last.to }]);
  await dialFor(10_000);
  expect(rivals).toEqual([]);
}, 60_000);
