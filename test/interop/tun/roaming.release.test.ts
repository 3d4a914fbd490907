/**
 * What Linux's own test of WireGuard (netns.sh) requires of moving and of inner addresses, for our
 * network interface with wireguard-go as the peer: arctun is not notified of a move.
 */
import { execFileSync } from 'node:child_process';

import type { TestProcess } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import {
  CLIENT_OUTSIDE_6,
  SERVER_OUTSIDE_6,
  TUN_LAB,
  TunLab,
} from '../../support/foreign/tun-lab.js';
import {
  CLIENT_OUTSIDE,
  inSpace,
  LISTEN_PORT,
  SERVER_OUTSIDE,
} from '../../support/foreign/wireguard-go-server.js';

const STRANGER = '100.128.0.1';
/** The bytes of a message with a ping in it. */
const PING = 128;

const FAMILIES = [
  {
    family: 'IPv4',
    server: SERVER_OUTSIDE,
    client: CLIENT_OUTSIDE,
    network: '192.0.2',
    length: 24,
  },
  {
    family: 'IPv6',
    server: SERVER_OUTSIDE_6,
    client: CLIENT_OUTSIDE_6,
    network: '2001:db8:',
    length: 64,
  },
] as const;

describeWith(TUN_LAB, 'a network interface, while addresses move', () => {
  let lab: TunLab;
  let running: TestProcess;

  afterEach(async () => {
    await lab.down(running).finally(() => lab.close());
  });

  describe.each(FAMILIES)('outside, $family', ({ server, client, network, length }) => {
    const separator = network.includes(':') ? ':' : '.';
    const authority = (address: string, port: number | string) =>
      `${address.includes(':') ? `[${address}]` : address}:${port}`;

    beforeEach(async () => {
      lab = await TunLab.start();
      lab.server.writeConfig({ endpoint: authority(server, LISTEN_PORT) });
      running = await lab.up();
    }, 60_000);

    /** Another address instead of the side's current one. */
    function move(side: 'client' | 'server', from: string, to: string): void {
      const [link] = lab.links(side);
      const address = (action: string, which: string) =>
        `ip address ${action} ${which}/${length} dev ${link!}${separator === ':' && action === 'add' ? ' nodad' : ''}`;
      // Otherwise, Linux removes the other addresses of the network with the first one.
      const keep = 'echo 1 >/proc/sys/net/ipv4/conf/all/promote_secondaries';
      lab.in(side, 'sh', '-ec', `${keep}; ${address('add', to)}; ${address('delete', from)}`);
    }

    /** A ping every 100 ms; answers are checked before and after the change. */
    async function whilePinging(change: () => Promise<void>): Promise<void> {
      const ping = lab.server.processes.start([
        ...inSpace(lab.space('client')),
        ...['ping', '-n', '-i', '0.1', lab.server.inside.service],
      ]);
      await ping.output(/icmp_seq=3 /);
      await change();
      const answers = () => ping.stdout.match(/ttl=/g)?.length ?? 0;
      const before = answers();
      await lab.until('pings are answered again', () => answers() >= before + 5);
      ping.kill('SIGINT');
      await ping.finished;
    }

    it('is followed by the server to another address and another port, during a ping (row 29; witness wireguard-go)', async () => {
      const { latestHandshake } = lab.peer('server');
      const moved = `${network}${separator}77`;
      const [port] = /\d+$/.exec(lab.peer('server').endpoint)!;
      await whilePinging(async () => {
        move('client', client, moved);
        await lab.until(
          'the address',
          () => lab.peer('server').endpoint === authority(moved, port),
        );
        lab.in('client', 'wg', 'set', lab.server.clientDevice, 'listen-port', '40123');
        await lab.until('the port', () => lab.peer('server').endpoint === authority(moved, 40_123));
      });
      expect(lab.peer('server').latestHandshake).toBe(latestHandshake);
    }, 60_000);

    it('follows the server to another address, during a ping (row 29; witness wireguard-go)', async () => {
      const { latestHandshake } = lab.peer('client');
      const moved = `${network}${separator}99`;
      lab.server.wire?.addServer(moved);
      await whilePinging(async () => {
        move('server', server, moved);
        // What we send there is lost until the server sends a packet.
        expect(await lab.answers('server', lab.server.inside.client, 20)).toBe(true);
        await lab.until(
          'the address',
          () => lab.peer('client').endpoint === authority(moved, LISTEN_PORT),
        );
      });
      expect(lab.peer('client').latestHandshake).toBe(latestHandshake);
    }, 60_000);
  });

  describe('inside', () => {
    beforeEach(async () => {
      lab = await TunLab.start();
      running = await lab.up();
    }, 60_000);

    it('drops packets from an address that the peer does not have (row 27; witness wireguard-go)', async () => {
      const { server } = lab;
      const arrived = lab.count('client', {
        stranger: `iifname ${server.clientDevice} ip saddr ${STRANGER}`,
        service: `iifname ${server.clientDevice} ip saddr ${server.inside.service}`,
        message: TunLab.message('client', PING),
      });
      lab.in('server', 'ip', 'address', 'add', `${STRANGER}/32`, 'dev', server.device);
      expect(await lab.answers('server', server.inside.client, 1, '-I', STRANGER)).toBe(false);
      expect(await lab.answers('server', server.inside.client, 20)).toBe(true);
      // Both got as far as the tunnel.
      expect(arrived()).toEqual({ stranger: 0, service: 1, message: 2 });
    }, 60_000);

    it('assigns an address to the peer with the more specific prefix, in both directions, until that is removed (rows 27 and 28; witness wireguard-go)', async () => {
      const { server } = lab;
      const { service, client } = server.inside;
      const privateKey = execFileSync('wg', ['genkey'], { encoding: 'utf8' });
      const other = execFileSync('wg', ['pubkey'], { input: privateKey, encoding: 'utf8' }).trim();
      const set = (...change: string[]) =>
        lab.in('client', 'wg', 'set', server.clientDevice, 'peer', other, ...change);
      expect(await lab.answers('client', service, 20)).toBe(true);
      const arrived = lab.count('client', {
        service: `iifname ${server.clientDevice} ip saddr ${service} icmp type echo-request`,
      });
      set('allowed-ips', `${service}/32`);
      // The other peer has no endpoint: a packet to it is rejected at once.
      const { stdout } = await lab.try('client', 'ping', '-c', '1', '-W', '20', service);
      expect(stdout).toContain('Destination Host Unreachable');
      expect(await lab.answers('server', client, 1)).toBe(false);
      expect(arrived()).toEqual({ service: 0 });
      set('remove');
      expect(await lab.answers('server', client, 20)).toBe(true);
      expect(await lab.answers('client', service, 20)).toBe(true);
    }, 60_000);
  });
});
