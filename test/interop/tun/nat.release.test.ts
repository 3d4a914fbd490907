/**
 * Our network interface behind a router that translates addresses and forgets a mapping after two
 * seconds, as in Linux's own test of WireGuard (netns.sh): which side can still start.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

import { describeWith } from '../../support/runner/requirements.js';
import { TUN_LAB, TunLab } from '../../support/foreign/tun-lab.js';
import { CLIENT_OUTSIDE, inSpace } from '../../support/foreign/wireguard-go-server.js';

const HOME_ROUTER = '192.168.77.1';
const HOME = '192.168.77.2';
/** Three times the lifetime of a mapping. */
const SILENCE = 6_000;

describeWith(TUN_LAB, 'a network interface behind a NAT with a short timeout', () => {
  let lab: TunLab;
  let home: string;

  beforeEach(async () => {
    lab = await TunLab.start();
    // The client's namespace is the router, and arctun is in the home network.
    home = `${lab.space('client')}h`;
    const router = lab.space('client');
    const veth = ['tohome', 'netns', router, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', home];
    ip('netns', 'add', home);
    ip('link', 'add', ...veth);
    ip('-n', router, 'address', 'add', `${HOME_ROUTER}/24`, 'dev', 'tohome');
    ip('-n', router, 'link', 'set', 'tohome', 'up');
    ip('-n', home, 'address', 'add', `${HOME}/24`, 'dev', 'eth0');
    ip('-n', home, 'link', 'set', 'eth0', 'up');
    ip('-n', home, 'route', 'add', 'default', 'via', HOME_ROUTER);
    lab.nft(
      'client',
      'add table ip translation',
      'add chain ip translation out { type nat hook postrouting priority srcnat; }',
      `add rule ip translation out ip saddr ${HOME} masquerade random`,
    );
    const sysctl = '/proc/sys/net';
    const settings = [
      ['ipv4/ip_forward', 1],
      ['netfilter/nf_conntrack_udp_timeout', 2],
      ['netfilter/nf_conntrack_udp_timeout_stream', 2],
    ].map(([name, value]) => `echo ${value} >${sysctl}/${name}`);
    lab.in('client', 'sh', '-ec', settings.join('; '));
  }, 60_000);
  afterEach(async () => {
    await lab.server.processes.close();
    ip('netns', 'delete', home);
    await lab.close();
  });

  it.each([
    { keepalive: 1, isReached: true, what: 'is reached after a silence with a keepalive' },
    { keepalive: 0, isReached: false, what: 'is not reached without one, until it sends' },
  ])(
    '$what (row 21; witness wireguard-go)',
    async ({ keepalive, isReached }) => {
      const { service, client } = lab.server.inside;
      const flags = ['--persistent-keepalive', String(keepalive)];
      const running = await lab.upIn(home, lab.server.configPath, ...flags);
      expect(lab.peer('server').endpoint).toMatch(new RegExp(`^${CLIENT_OUTSIDE}:`));
      expect(await lab.answers('server', client, 20)).toBe(true);
      // No more answers to that ping are due.
      await pause(SILENCE);
      // Even on a slow system: the router has no mapping, unless a keepalive passes.
      const { latestHandshake } = lab.peer('server');
      expect(await lab.answers('server', client, isReached ? 20 : 1)).toBe(isReached);
      const ping = ['ping', '-c', '1', '-w', '60', service];
      expect(await lab.server.processes.run([...inSpace(home), ...ping])).toMatchObject({
        code: 0,
      });
      expect(await lab.answers('server', client, 20)).toBe(true);
      if (isReached) expect(lab.peer('server').latestHandshake).toBe(latestHandshake);
      await lab.down(running);
    },
    90_000,
  );
});

function ip(...parameters: readonly string[]): void {
  execFileSync('ip', parameters, { stdio: 'pipe' });
}
