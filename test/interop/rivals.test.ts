/** Two tunnels of ours at wireguard-go: with one key each takes the other's session, with two neither. */
import { execFileSync } from 'node:child_process';

import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/requirements.js';
import { inSpace, WireGuardGoServer } from '../support/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'ethtool'] as const;
const PROGRAM = `${REPOSITORY}test/support/posting-tunnel.js`;
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

  /** Lets another key in at the server. */
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

  it('both name the other where they have one key, no message is refused, and neither with two', async () => {
    const alone = start(addClient(OTHER_CLIENT));
    const both = [start(server.tunnelConfig())];
    await both[0]!.output(/answer 201/);
    both.push(start(server.tunnelConfig()));
    for (const tunnel of both) {
      await tunnel.output(/rival .*"isCertain":true.*another tunnel uses this virtual SIM/);
      expect(tunnel.stderr).toMatch(/WARN .*another tunnel uses this virtual SIM/);
      expect(tunnel.stdout).not.toContain('failed');
    }
    // The one beside them has had as much traffic, and its own key.
    expect(alone.stdout.match(/answer 201/g)!.length).toBeGreaterThanOrEqual(10);
    expect(alone.stdout).not.toMatch(/rival|failed/);
    for (const tunnel of [alone, ...both]) {
      tunnel.child.stdin!.end();
      await expect(tunnel.finished).resolves.toMatchObject({ code: 0 });
    }
  }, 60_000);
});
