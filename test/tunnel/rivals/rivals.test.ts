/**
 * Conditions that look like a rival tunnel but are not. Two real rivals are in
 * test/interop/rivals.release.test.ts.
 */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { type Rival, UserspaceTunnel } from '../../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { DATA, INITIATION } from '../../support/message-types.js';
import {
  CLIENT,
  CLIENT_KEY,
  SERVICE,
  TunnelInMemory,
} from '../../support/pairs/tunnel-in-memory.js';

/** Longer than a session lasts before it is renewed, in ms of virtual time (whitepaper 6.1). */
const DURATION = 150_000;

/** A tunnel that dials once a second, and the rival events that it emitted. */
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
  return { world, network, tunnel, rivals, dialFor };
}

it('loss of 10 % in each direction is not a rival', async () => {
  const { world, rivals, dialFor } = await watched();
  let serial = 0;
  world.link.passes = () => (serial++ * 7_919) % 97 >= 10;
  await dialFor(DURATION);
  expect(rivals).toEqual([]);
}, 60_000);

it('a freeze of ten minutes is not a rival, nor are late messages for the previous session', async () => {
  const { world, rivals, dialFor } = await watched();
  await dialFor(5_000);
  const { port } = world.server;
  const old = world.link.sent.filter(({ to, bytes }) => to.port !== port && bytes[0] === 4);
  world.wallOffset += 600_000;
  await dialFor(5_000);
  const last = old.at(-1)!;
  // From now on the server sends only what it had sent before.
  const own = await world.link.open({ address: '127.0.0.1', port });
  own.send([{ bytes: last.bytes, endpoint: last.to }]);
  await dialFor(10_000);
  expect(rivals).toEqual([]);
}, 60_000);

describe('a watched tunnel detects no rival in', () => {
  it('datagrams that arrive late, including handshakes', async () => {
    const { world, rivals, dialFor } = await watched();
    const { server, client } = ports(world);
    let serial = 0;
    world.link.passes = ({ to, bytes }) => {
      if (serial++ % 5 !== 0) return true;
      const from = { address: '127.0.0.1', port: to.port === server ? client : server };
      const copy = bytes.slice();
      world.clock.startTimer(300 + (serial % 7) * 1_000, () => {
        world.link.forge(from, to.port, copy);
      });
      return false;
    };
    await dialFor(DURATION);
    expect(rivals).toEqual([]);
  }, 60_000);

  it('a handshake whose messages arrive twice, the second time late', async () => {
    const { world, rivals, dialFor } = await watched();
    const { server, client } = ports(world);
    world.link.passes = ({ to, bytes }) => {
      const from = { address: '127.0.0.1', port: to.port === server ? client : server };
      const copy = bytes.slice();
      const again = (): void => world.link.forge(from, to.port, copy);
      if (bytes[0] !== DATA) world.clock.startTimer(1_500, again);
      return true;
    };
    await dialFor(DURATION);
    expect(rivals).toEqual([]);
  }, 60_000);

  it('a NAT that keeps changing its port', async () => {
    const { world, rivals, dialFor } = await watched();
    const { server, client } = ports(world);
    let outside = 50_000;
    const rebind = async (): Promise<void> => {
      const address = '127.0.0.1';
      const mapping = await world.link.open({ address, port: ++outside });
      const from = { address, port: server };
      mapping.onReceive = (datagrams) => {
        // The old mapping is gone.
        if (mapping.localPort !== outside) return;
        for (const { bytes } of datagrams) world.link.forge(from, client, bytes);
      };
    };
    await rebind();
    world.link.passes = ({ to, bytes }) => {
      if (to.port !== server) return to.port !== client;
      world.link.forge({ address: '127.0.0.1', port: outside }, server, bytes);
      return false;
    };
    for (let time = 0; time < DURATION; time += 15_000) {
      await dialFor(15_000);
      await rebind();
    }
    expect(rivals).toEqual([]);
  }, 60_000);

  it('a server that restarts every half minute', async () => {
    const { world, network, rivals, dialFor } = await watched();
    const publicKey = createNodeCrypto().publicKey(CLIENT_KEY);
    for (let time = 0; time < DURATION; time += 30_000) {
      await dialFor(30_000);
      network.removePeer(publicKey);
      network.addPeer({ publicKey, address: parseIpAddress(CLIENT)! });
    }
    expect(rivals).toEqual([]);
    expect(world.link.sent.length).toBeGreaterThan(300);
  }, 60_000);
});

/** The UDP ports of both ends. */
function ports({ link, server: { port: server } }: TunnelInMemory) {
  return { server, client: link.sent.find(({ to }) => to.port !== server)!.to.port };
}

/**
 * An attacker who knows both ends' addresses keeps sending messages for sessions that never
 * existed.
 */
async function forged() {
  const { world, tunnel, rivals, dialFor } = await watched();
  const { server, client } = ports(world);
  const source = { address: '127.0.0.1', port: server };
  const forge = (): void => {
    const message = new Uint8Array(48);
    message[0] = DATA;
    message.fill(0xab, 4, 8);
    world.link.forge(source, client, message);
    world.clock.startTimer(100, forge);
  };
  forge();
  const initiations = (): number =>
    world.link.sent.filter(({ to, bytes }) => to.port === source.port && bytes[0] === INITIATION)
      .length;
  return { world, tunnel, rivals, dialFor, initiations };
}

describe('forged messages for other sessions', () => {
  it('are ignored by an idle tunnel whose last packet expects no answer', async () => {
    const { world, rivals, dialFor, initiations } = await forged();
    await dialFor(3_000);
    const before = initiations();
    await world.advance(90_000);
    expect(rivals).toEqual([]);
    expect(initiations()).toBe(before);
  });

  it('are ignored by a tunnel whose server answers', async () => {
    const { rivals, dialFor, initiations } = await forged();
    await dialFor(60_000);
    expect(rivals).toEqual([]);
    expect(initiations()).toBe(1);
  });

  it('do not prove a rival with 10 % loss each way, though sessions are renewed', async () => {
    const { world, rivals, dialFor, initiations } = await forged();
    let serial = 0;
    world.link.passes = () => (serial++ * 7_919) % 97 >= 10;
    await dialFor(DURATION);
    expect(rivals.filter(({ isCertain }) => isCertain)).toEqual([]);
    // 6.1: one in 5 s.
    expect(initiations()).toBeLessThanOrEqual(1 + 240 / 5);
  }, 60_000);

  it('do not prolong a handshake that gets no answer (6.4)', async () => {
    const { world, dialFor, initiations } = await forged();
    await dialFor(3_000);
    world.link.connected = false;
    await dialFor(1_000);
    await world.advance(150_000);
    const before = initiations();
    await world.advance(120_000);
    expect(initiations()).toBe(before);
  });
});
