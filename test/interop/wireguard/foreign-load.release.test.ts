/**
 * Cookies (whitepaper 5.3), between us and independent WireGuard implementations, each under load
 * in turn.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  BOTH_PEERS,
  FOREIGN_PEERS,
  ForeignLab,
  type ForeignTunnel,
  type PeerName,
} from '../../support/foreign/foreign-lab.js';
import { outsideAddress } from '../../support/foreign/foreign-network.js';
import { anotherIdentity } from '../../support/foreign/foreign-peer.js';
import { describeWith } from '../../support/runner/requirements.js';
import { publicKeyOf } from '../../support/pairs/wireguard-peer.js';

const EMULATOR_PORT = 11010;
const UNIFIED_ENDPOINT = '100.127.69.42';

interface Session {
  readonly privateKey: string;
  readonly arcSessionStatus: {
    readonly arcServerPeerPublicKey: string;
    readonly arcClientPeerIpAddress: string;
  };
}

const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex');

describeWith(FOREIGN_PEERS, 'under load', () => {
  let lab: ForeignLab;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-load-'));
    lab = await ForeignLab.start();
  }, 180_000);
  afterAll(async () => {
    await lab.close();
    rmSync(folder, { recursive: true });
  }, 60_000);

  /** A tunnel to an interface under load that waits to retry, with the cookie that it received. */
  async function tunnelWithCookie(name: PeerName): Promise<ForeignTunnel> {
    for (let attempt = 0; attempt < 10; attempt++) {
      const tunnel = await lab.tunnel(name, 'ours');
      await tunnel.begin();
      let status = await tunnel.ours.status();
      await tunnel.until('an answer', async () => {
        status = await tunnel.ours.status();
        return status.cookieReceived || status.hasSession;
      });
      // If the machine had no time for the flood, the interface accepts an initiation, and if it
      // had none for us, the next initiation is already on its way: another tunnel is tried.
      const initiations = tunnel.traffic('out', 'initiation').messages;
      if (status.hasSession || initiations > 1) continue;
      expect(initiations).toBe(1);
      expect(status.silence).toBe('under-load');
      return tunnel;
    }
    throw new Error('never a cookie');
  }

  it('a foreign responder sends arctun a cookie and answers its next initiation, which has a mac2 (rows 9, 10, 11; witnesses Linux kernel and wireguard-go)', async () => {
    await Promise.all(
      BOTH_PEERS.map(async ([, name]) => {
        const { site, listenPort, publicKey } = lab.peer(name);
        const target = { address: outsideAddress(site), port: listenPort };
        const flood = lab.flood(target, publicKey);
        await flood.output(/^cookie$/m);
        const tunnel = await tunnelWithCookie(name);
        await tunnel.until('a session', async () => (await tunnel.ours.status()).hasSession);
        expect(flood.running).toBe(true);
        flood.child.stdin!.end();
        await flood.finished;
        expect(tunnel.traffic('out', 'initiation').messages).toBeGreaterThanOrEqual(2);
        expect(tunnel.traffic('in', 'cookieReply').messages).toBeGreaterThanOrEqual(1);
        await tunnel.exchange();
      }),
    );
  }, 180_000);

  /** A session of the emulator: its SIM's key is for the foreign peer. */
  async function bootstrap(env: NodeJS.ProcessEnv, name: string): Promise<Session> {
    const config = join(folder, `${name}.json`);
    const bootstrapped = lab.arctun(['bootstrap', 'authkey', '--config', config], { env });
    const { code, stderr } = await bootstrapped.finished;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return JSON.parse(readFileSync(config, 'utf8')) as Session;
  }

  it('arctun emulator sends a foreign initiator a cookie and answers its next initiation, which has a mac2 (rows 7, 9; witnesses Linux kernel and wireguard-go)', async () => {
    const address = outsideAddress('ours');
    const emulator = lab.arctun([
      ...['emulator', '--json', '--api-listen', '127.0.0.1:0'],
      ...['--arc-listen', `${address}:${EMULATOR_PORT}`],
    ]);
    const [line] = await emulator.output(/^\{.*\}$/m);
    const { api, authKeyId, authKey } = JSON.parse(line) as Record<string, string>;
    const env = {
      ARCTUN_ENDPOINT: api,
      ARCTUN_AUTH_KEY_ID: authKeyId,
      ARCTUN_AUTH_KEY: authKey,
    };
    lab.network.watch(EMULATOR_PORT);
    const clients = [];
    let server = '';
    for (const [, name] of BOTH_PEERS) {
      const { privateKey, arcSessionStatus } = await bootstrap(env, name);
      server = arcSessionStatus.arcServerPeerPublicKey;
      const client = await lab.another(name, {
        ...anotherIdentity(),
        keys: { privateKey, publicKey: publicKeyOf(privateKey) },
        inside: arcSessionStatus.arcClientPeerIpAddress,
      });
      clients.push(client);
    }
    const target = { address, port: EMULATOR_PORT };
    const flood = lab.flood(target, server);
    await flood.output(/^cookie$/m);
    for (const client of clients) {
      // The first interface of the lab has the address of the Unified Endpoint, and must free it.
      await client.shell(`ip address flush dev ${lab.peer(client.site as PeerName).device}`);
      await client.setPeer({
        publicKey: server,
        endpoint: target,
        allowedIps: `${UNIFIED_ENDPOINT}/32`,
      });
    }
    await Promise.all(
      clients.map(async (client) => {
        await client.shell(`ping -c 1 -W 1 ${UNIFIED_ENDPOINT} >/dev/null || true`);
        await lab.until(`a session of the emulator with ${client.site}`, async () => {
          return (await client.dump(server)).latestHandshake > 0;
        });
      }),
    );
    expect(flood.running).toBe(true);
    flood.child.stdin!.end();
    await flood.finished;
    expect(
      lab.network.traffic(EMULATOR_PORT, 'out', 'cookieReply').messages,
    ).toBeGreaterThanOrEqual(2);
    expect(lab.network.traffic(EMULATOR_PORT, 'in', 'initiation').messages).toBeGreaterThanOrEqual(
      4,
    );
    const sent: string[] = [];
    for (const client of clients) {
      const { sha256 } = await client.post(`http://${UNIFIED_ENDPOINT}/`, 1_000);
      sent.push(sha256);
    }
    const messages = await lab.processes.run([
      ...lab.network.in('ours'),
      ...['curl', '-sSf', `${api!}/emulator/messages`],
    ]);
    const bodies = (JSON.parse(messages.stdout) as { body: string }[]).map(({ body }) => body);
    expect(bodies.map(sha256Of)).toEqual(sent);
  }, 180_000);
});
