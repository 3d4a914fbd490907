/**
 * Moves during a session, with independent WireGuard implementations: addresses and ports of either
 * end, and the mapping of a NAT between them.
 */
import {
  BOTH_PEERS,
  BOTH_ROLES,
  FOREIGN_PEERS,
  ForeignLab,
  type ForeignTunnel,
  type Initiator,
  type PeerName,
} from '../../support/foreign/foreign-lab.js';
import { outsideAddress } from '../../support/foreign/foreign-network.js';
import { describeWith } from '../../support/runner/requirements.js';
import type { Address } from '../../support/pairs/wireguard-peer.js';

/** Waits until the other end follows. */
async function untilTheyKnow(tunnel: ForeignTunnel, { address, port }: Address): Promise<void> {
  await tunnel.until(`${address}:${port} at their end`, async () => {
    return (await tunnel.dump()).endpoint === `${address}:${port}`;
  });
}

async function untilWeKnow(tunnel: ForeignTunnel, address: string, port: number): Promise<void> {
  await tunnel.until(`${address}:${port} at our end`, async () => {
    const { endpoint } = await tunnel.ours.status();
    return endpoint?.address === address && endpoint.port === port;
  });
}

/** A ping during the move may be lost. */
async function untilAnswered(tunnel: ForeignTunnel): Promise<void> {
  await tunnel.until('an answer', async () => {
    const [, answered] = await tunnel.foreign.ping(tunnel.inside, 3);
    return answered > 0;
  });
}

describeWith(FOREIGN_PEERS, 'moves during a session', () => {
  let lab: ForeignLab;

  beforeAll(async () => {
    lab = await ForeignLab.start();
  }, 180_000);
  afterAll(() => lab.close(), 60_000);

  /** Sessions in both roles; the moves must not cause a handshake. */
  async function withoutHandshake(
    name: PeerName,
    change: (tunnel: ForeignTunnel, role: Initiator) => Promise<void>,
  ): Promise<void> {
    for (const role of BOTH_ROLES) {
      const tunnel = await lab.tunnel(name, role);
      await tunnel.establish();
      await tunnel.exchange();
      const { handshakes } = await tunnel.ours.status();
      await change(tunnel, role);
      await tunnel.exchange();
      expect((await tunnel.ours.status()).handshakes).toBe(handshakes);
    }
  }

  describe.each(BOTH_PEERS)('%s', (_, name) => {
    it('follows arctun to another port, without a handshake, in either role (row 29; witnesses Linux kernel and wireguard-go)', async () => {
      await withoutHandshake(name, async (tunnel) => {
        const moved = { address: outsideAddress('ours'), port: tunnel.port + 1000 };
        await tunnel.ours.move({ address: '0.0.0.0', port: moved.port });
        await tunnel.ours.post(tunnel.foreign.inside, tunnel.foreign.echoPath, 1);
        await untilTheyKnow(tunnel, moved);
      });
    }, 120_000);

    it('follows arctun to another address with an open socket, without a handshake, in either role (row 29; witnesses Linux kernel and wireguard-go)', async () => {
      await withoutHandshake(name, async (tunnel) => {
        lab.network.changeOurAddress(2, 3);
        try {
          await tunnel.ours.post(tunnel.foreign.inside, tunnel.foreign.echoPath, 1);
          await untilTheyKnow(tunnel, { address: outsideAddress('ours', 4, 3), port: tunnel.port });
          await tunnel.exchange();
        } finally {
          lab.network.changeOurAddress(3, 2);
        }
        await tunnel.ours.post(tunnel.foreign.inside, tunnel.foreign.echoPath, 1);
        await untilTheyKnow(tunnel, tunnel.ourAddress);
      });
    }, 120_000);

    it('is followed by arctun to another port, without a handshake, in either role (row 29; witnesses Linux kernel and wireguard-go)', async () => {
      await withoutHandshake(name, async (tunnel) => {
        const { foreign } = tunnel;
        for (const port of [foreign.listenPort + 1000, foreign.listenPort]) {
          lab.network.wire.addPort(port);
          await foreign.setListenPort(port);
          await untilAnswered(tunnel);
          await untilWeKnow(tunnel, tunnel.theirAddress.address, port);
        }
      });
    }, 120_000);

    it('is followed by arctun to another address, without a handshake, in either role (row 29; witnesses Linux kernel and wireguard-go)', async () => {
      await withoutHandshake(name, async (tunnel) => {
        const { foreign } = tunnel;
        for (const [from, to] of [
          [2, 3],
          [3, 2],
        ] as const) {
          await foreign.changeAddress(from, to);
          await untilAnswered(tunnel);
          await untilWeKnow(tunnel, outsideAddress(foreign.site, 4, to), foreign.listenPort);
        }
      });
    }, 120_000);

    it('follows arctun when arctun’s NAT loses its mapping, and a connection continues (row 29; witnesses Linux kernel and wireguard-go)', async () => {
      lab.network.translate('ours', name, '20000-20999');
      try {
        const tunnel = await lab.tunnel(name, 'ours');
        const { foreign, ours } = tunnel;
        await tunnel.establish();
        expect((await tunnel.dump()).endpoint).toMatch(/:20\d\d\d$/);
        const posting = ours.post(foreign.inside, foreign.echoPath, 40, 100);
        await tunnel.until('traffic', async () => (await tunnel.dump()).received > 5_000);
        lab.network.flap(name, () => lab.network.translate('ours', name, '30000-30999'));
        await tunnel.until('the new mapping', async () => {
          return /:30\d\d\d$/.test((await tunnel.dump()).endpoint);
        });
        const { body, sha256 } = await posting;
        expect(JSON.parse(body)).toEqual({ length: 40_000, sha256 });
        expect((await ours.status()).handshakes).toBe(1);
        await tunnel.exchange();
      } finally {
        lab.network.stopTranslating();
        lab.network.flap(name);
      }
    }, 120_000);

    it('is followed by arctun when its NAT loses its mapping, and a connection continues (row 29; witnesses Linux kernel and wireguard-go)', async () => {
      lab.network.translate(name, 'ours', '20000-20999');
      try {
        const tunnel = await lab.tunnel(name, 'theirs');
        const { foreign, ours, inside } = tunnel;
        await tunnel.establish();
        const first = (await ours.status()).endpoint!;
        expect(first.address).toBe('198.51.100.1');
        expect(first.port).toBeGreaterThanOrEqual(20_000);
        expect(first.port).toBeLessThan(21_000);
        const pinging = foreign.ping(inside, 50);
        const fetching = foreign.getSha256(`http://${inside}/paced/40/100`);
        await tunnel.until('traffic', async () => (await ours.status()).sent > 5_000);
        lab.network.flap('ours', () => lab.network.translate(name, 'ours', '30000-30999'));
        await tunnel.until('the new mapping', async () => {
          const { endpoint } = await ours.status();
          return endpoint !== null && endpoint.port >= 30_000 && endpoint.port < 31_000;
        });
        // The body that we post has the same lines.
        const { sha256 } = await ours.post(foreign.inside, foreign.echoPath, 40);
        expect(await fetching).toBe(sha256);
        await pinging;
        expect((await ours.status()).handshakes).toBe(1);
        await tunnel.exchange();
      } finally {
        lab.network.stopTranslating();
        lab.network.flap('ours');
      }
    }, 120_000);
  });
});
