/**
 * Two of our tunnels at wireguard-go: with one key each takes the other's session, with two keys
 * neither does.
 */
import { execFileSync } from 'node:child_process';

import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { inSpace, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'ethtool'] as const;
const PROGRAM = `${REPOSITORY}test/support/pairs/posting-tunnel.js`;
const INTERVAL = 1_000;
const OTHER_CLIENT = '10.77.0.3';

describeWith(PEERS, 'two tunnels that post once a second', () => {
  let server: WireGuardGoServer;

  beforeEach(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    await server.startHttp();
  }, 60_000);
  afterEach(() => server.close());

  function start(config: object): TestProcess {
    const command = [...inSpace(server.clientSpace), process.execPath, PROGRAM];
    const started = server.processes.start(command, { interactive: true });
    const line = { ...config, service: server.inside.service, interval: INTERVAL };
    started.type(`${JSON.stringify(line)}\n`);
    return started;
  }

  /** Allows another key at the server. */
  function addClient(address: string): object {
    const privateKey = execFileSync('wg', ['genkey'], { encoding: 'utf8' });
    const publicKey = execFileSync('wg', ['pubkey'], {
      encoding: 'utf8',
      input: privateKey,
    }).trim();
    const { serverSpace, device } = server;
    const run = (...command: string[]) => {
      const [program, ...parameters] = [...inSpace(serverSpace), ...command];
      execFileSync(program, parameters);
    };
    run('wg', 'set', device, 'peer', publicKey, 'allowed-ips', `${address}/32`);
    run('ip', 'route', 'add', `${address}/32`, 'dev', device);
    return { ...server.tunnelConfig(), privateKey: privateKey.trim(), address };
  }

  it('detect each other if they share a key, without refusing messages, but not if they have two keys', async () => {
    const alone = start(addClient(OTHER_CLIENT));
    const both = [start(server.tunnelConfig())];
    await both[0]!.output(/answer 201/);
    both.push(start(server.tunnelConfig()));
    for (const tunnel of both) {
      await tunnel.output(/rival .*"isCertain":true.*another tunnel is using this virtual SIM/);
      expect(tunnel.stderr).toMatch(/WARN .*another tunnel is using this virtual SIM/);
      expect(tunnel.stdout).not.toContain('failed');
    }
    // The third tunnel has its own key; wait until it has had enough traffic.
    await alone.output(/(answer 201[^]*){10}/);
    expect(alone.stdout).not.toMatch(/rival|failed/);
    for (const tunnel of [alone, ...both]) {
      tunnel.child.stdin!.end();
      await expect(tunnel.finished).resolves.toMatchObject({ code: 0 });
    }
  }, 60_000);
});

describeWith([...PEERS, 'curl'], 'up', () => {
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

  it('is stale as soon as sending fails, and up again when the network is back', async () => {
    const { url } = await open();
    expect(await health()).toMatchObject({ code: 0, stdout: `${server.clientDevice}: up\n` });
    const link = (state: string) =>
      execFileSync('ip', ['-n', server.clientSpace, 'link', 'set', 'group', 'default', state]);
    link('down');
    execFileSync('ip', ['-n', server.clientSpace, 'link', 'set', 'lo', 'up']);
    const posting = server.curl('-d', 'x', '--max-time', '60', url);
    let last = await health();
    for (let asked = 0; asked < 30 && last.code === 0; asked++) last = await health();
    expect(last).toMatchObject({
      code: 5,
      stdout: expect.stringMatching(/: stale: cannot send packets to .*: /) as string,
    });
    link('up');
    expect((await posting.finished).code).toBe(0);
    expect(await health()).toMatchObject({ code: 0 });
  }, 180_000);
});
