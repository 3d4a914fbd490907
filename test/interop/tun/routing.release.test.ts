/**
 * What Linux's own test of WireGuard (netns.sh) requires of routes, for our network interface with
 * wireguard-go as the peer: a loop, a tunnel in a tunnel, wg-quick in parallel, and errors from
 * inside.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { describeWith } from '../../support/runner/requirements.js';
import { SERVER_OUTSIDE_6, TUN_LAB, TunLab } from '../../support/foreign/tun-lab.js';
import {
  INSIDE_IPV6,
  LISTEN_PORT,
  SERVER_OUTSIDE,
} from '../../support/foreign/wireguard-go-server.js';

/** The limit of netns.sh for packets per second: an endless loop makes a thousand times as many. */
const BOUND = 70_000;

describeWith(TUN_LAB, 'routes and a network interface', () => {
  let lab: TunLab;

  afterEach(() => lab.close());

  it.each([
    { family: 'IPv4', address: SERVER_OUTSIDE, endpoint: `${SERVER_OUTSIDE}:${LISTEN_PORT}` },
    { family: 'IPv6', address: SERVER_OUTSIDE_6, endpoint: `[${SERVER_OUTSIDE_6}]:${LISTEN_PORT}` },
  ])(
    'does not send messages in a loop if the route to the server leads into the interface, $family',
    async ({ address, endpoint }) => {
      lab = await TunLab.start();
      const { server } = lab;
      const { service } = server.inside;
      server.writeConfig({ endpoint });
      const running = await lab.up('--persistent-keepalive', '0');
      const { publicKey, allowedIps, sent } = lab.peer('client');
      const prefix = `${address}/${address.includes(':') ? 128 : 32}`;
      const peer = ['wg', 'set', server.clientDevice, 'peer', publicKey];
      lab.in('client', ...peer, 'allowed-ips', `${allowedIps},${prefix}`);
      const route = ['ip', 'route', 'add', prefix, 'dev', server.clientDevice];
      lab.in('client', ...route);
      // Ten of increasing size, and one that is fragmented outside.
      expect(await lab.answers('client', service, 1, '-c', '10', '-i', '0.02')).toBe(false);
      expect(await lab.answers('client', service, 1, '-s', '1392')).toBe(false);
      const looped = lab.peer('client').sent - sent;
      expect(looped).toBeGreaterThanOrEqual(10 * 128);
      expect(looped).toBeLessThan(BOUND);
      await pause(1_000);
      expect(lab.peer('client').sent - sent - looped).toBeLessThan(1_000);
      lab.in('client', ...route.map((word) => (word === 'add' ? 'delete' : word)));
      expect(await lab.answers('client', service, 20)).toBe(true);
      await lab.down(running);
    },
    60_000,
  );

  it.each([
    ['IPv4', undefined, '100.127.50.1', /mtu = 1300/],
    ['IPv6', INSIDE_IPV6, 'fd00:127::50:1', /mtu=1300/],
  ] as const)(
    'passes on errors of a router behind the server: too big, and unreachable, %s',
    async (_family, inside, nobody, tooBig) => {
      lab = await TunLab.start(inside);
      const { server } = lab;
      const { service } = server.inside;
      server.moveServiceBehind(1300);
      lab.in('server', 'ip', 'route', 'add', 'unreachable', nobody);
      const running = await lab.up();
      const whole = ['ping', '-c', '1', '-W', '20', '-M', 'do', '-s', '1352', service];
      expect((await lab.try('client', ...whole)).stdout).toMatch(tooBig);
      expect(lab.in('client', 'ip', 'route', 'get', service)).toContain('mtu 1300');
      const ping = await lab.try('client', 'ping', '-c', '1', '-W', '20', nobody);
      expect(ping.stdout).toMatch(/From (100\.127\.98\.1|fd00:127:98::1) .*[Uu]nreachable/);
      // IPv6 has another name for the same route.
      const url = `http://${nobody.includes(':') ? `[${nobody}]` : nobody}/`;
      expect((await server.curl('-v', url).finished).stderr).toMatch(
        /No route to host|Network is unreachable/,
      );
      await lab.down(running);
    },
    60_000,
  );
});

describeWith(
  [...TUN_LAB, 'wg-quick', 'curl'],
  'wg-quick in parallel with a network interface',
  () => {
    const FAR = '203.0.113.1';
    const ITS_PORT = 11_111;
    const ITS_SERVER = '10.78.0.1';
    const ITS_CLIENT = '10.78.0.2';

    let lab: TunLab;
    /** The interfaces of wg-quick's tunnel. */
    let its: { readonly client: string; readonly server: string };
    let configuration: string;

    beforeEach(async () => {
      lab = await TunLab.start();
      const { server } = lab;
      its = { client: `q${server.clientDevice}`, server: `q${server.device}` };
      server.wire?.addPort(ITS_PORT);
      // If arctun's server sends while wg-quick stops, the kernel's answer may not find the tunnel any more.
      server.wire?.addServer(ITS_SERVER);
      await server.startWireGuardGo(lab.space('server'), its.server);
      const [keys, itsKeys] = [keyPair(), keyPair()];
      const keyFile = join(server.folder, 'its-server.key');
      writeFileSync(keyFile, itsKeys.privateKey, { mode: 0o600 });
      const set = [
        'wg',
        'set',
        its.server,
        'listen-port',
        String(ITS_PORT),
        'private-key',
        keyFile,
      ];
      lab.in('server', ...set, 'peer', keys.publicKey, 'allowed-ips', `${ITS_CLIENT}/32`);
      lab.in('server', 'ip', 'address', 'add', `${ITS_SERVER}/24`, 'dev', its.server);
      lab.in('server', 'ip', 'link', 'set', its.server, 'mtu', '1420', 'up');
      // Reached by a default route only, as a server on the Internet is.
      lab.in('server', 'ip', 'address', 'add', `${FAR}/32`, 'dev', 'lo');
      lab.in('client', 'ip', 'route', 'add', 'default', 'via', SERVER_OUTSIDE);
      configuration = join(server.folder, `${its.client}.conf`);
      const lines = [
        ...['[Interface]', `PrivateKey = ${keys.privateKey}`, `Address = ${ITS_CLIENT}/32`],
        ...['MTU = 1420', '[Peer]', `PublicKey = ${itsKeys.publicKey}`],
        ...[`Endpoint = ${SERVER_OUTSIDE}:${ITS_PORT}`, 'AllowedIPs = 0.0.0.0/0'],
      ];
      writeFileSync(configuration, `${lines.join('\n')}\n`, { mode: 0o600 });
      wgQuick('up');
    }, 60_000);
    afterEach(async () => {
      // wireguard-go ends with its interface.
      wgQuick('down');
      await lab.close();
      execFileSync('rm', ['-f', `/var/run/wireguard/${its.server}.sock`]);
    });

    function wgQuick(action: 'up' | 'down'): void {
      lab.in('client', 'wg-quick', action, configuration);
    }

    const rules = () => lab.in('client', 'ip', 'rule') + lab.in('client', 'ip', '-6', 'rule');
    const wayTo = (address: string) => lab.in('client', 'ip', 'route', 'get', address);

    it('works through wg-quick’s tunnel, whose default route carries arctun’s datagrams, and keeps its rules', async () => {
      const { server } = lab;
      const { service } = server.inside;
      const before = rules();
      expect(wayTo(FAR)).toContain(`dev ${its.client}`);
      server.writeConfig({ endpoint: `${FAR}:${LISTEN_PORT}` });
      lab.in('server', 'ip', 'link', 'set', server.device, 'mtu', '1340');
      const running = await lab.up('--mtu', '1340');
      await server.startHttp();
      // From inside the other tunnel.
      expect(lab.peer('server').endpoint).toMatch(new RegExp(`^${ITS_CLIENT}:`));
      const whole = ['-M', 'do', '-s', String(1340 - 28)];
      expect(await lab.ping('client', service, 20, '-i', '0.02', ...whole)).toMatchObject({
        lost: 0,
      });
      expect(await lab.ping('client', ITS_SERVER, 20, '-i', '0.02')).toMatchObject({ lost: 0 });
      const get = ['-f', '-o', '/dev/null', '-w', '%{size_download}'];
      const got = await server.curl(...get, `http://${service}/bytes/2000000`).finished;
      expect(got).toMatchObject({ code: 0, stdout: '2000000' });
      await lab.down(running);
      expect(rules()).toBe(before);
      expect(await lab.answers('client', ITS_SERVER, 20)).toBe(true);
    }, 60_000);

    it('keeps wg-quick’s default route next to arctun’s, and restores it when arctun exits', async () => {
      const { server } = lab;
      const before = rules();
      server.writeConfig({ allowedIps: ['0.0.0.0/0'] });
      const running = await lab.up();
      expect(rules()).not.toBe(before);
      expect(wayTo('198.51.100.1')).toContain(`dev ${server.clientDevice}`);
      expect(await lab.answers('client', server.inside.service, 20)).toBe(true);
      expect(await lab.answers('client', ITS_SERVER, 20, '-I', its.client)).toBe(true);
      await lab.down(running);
      expect(rules()).toBe(before);
      expect(wayTo('198.51.100.1')).toContain(`dev ${its.client}`);
      expect(await lab.answers('client', ITS_SERVER, 20)).toBe(true);
    }, 60_000);
  },
);

function keyPair(): { privateKey: string; publicKey: string } {
  const privateKey = execFileSync('wg', ['genkey'], { encoding: 'utf8' }).trim();
  const publicKey = execFileSync('wg', ['pubkey'], { encoding: 'utf8', input: privateKey }).trim();
  return { privateKey, publicKey };
}
