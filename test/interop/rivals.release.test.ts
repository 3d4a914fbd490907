/** Two tunnels with one key at wireguard-go: each takes the other's session. */
import { describeWith } from '../support/runner/requirements.js';
import { WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

describeWith(['root', 'wireguard-go', 'wg', 'ip', 'ethtool', 'curl'], 'up', () => {
  let server: WireGuardGoServer;

  beforeEach(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    await server.startHttp();
    server.writeConfig({});
  }, 60_000);
  afterEach(() => server.close());

  const open = (...flags: string[]) =>
    server.up('--mode', 'userspace', '--proxy-listen', 'off', ...flags);
  const post = (url: string) => server.curl('-d', 'x', '--max-time', '20', url).finished;
  const health = () => server.arctun('health', '--interface', server.clientDevice).finished;

  it('reports a rival in log, status and health, and stays up', async () => {
    const both = [await open(), await open('--force')];
    const isNamed = () =>
      both.every(({ process }) =>
        process.stderr.includes('another tunnel is using this virtual SIM'),
      );
    for (let round = 0; round < 60 && !isNamed(); round++) {
      await Promise.all(both.map(({ url }) => post(url)));
    }
    expect(isNamed()).toBe(true);
    const { stdout } = await server.arctun('status', '--json').finished;
    const reports = JSON.parse(stdout) as { pid: number; rival: object | null }[];
    const pids = both.map(({ process }) => process.child.pid);
    const ours = reports.filter(({ pid }) => pids.includes(pid));
    expect(ours).toHaveLength(2);
    for (const { rival } of ours) expect(Object.keys(rival ?? {})).toEqual(['why', 'lastSeen']);
    expect((await health()).stdout).toMatch(/: (up|stale): .*/);
  }, 180_000);
});
