/**
 * A network interface for a user without root, in the ways that the message of exit code 6 lists.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';

import { ARCTUN, type Finished, type TestProcess } from '../../support/processes.js';
import { describeWith, TUN_MODE } from '../../support/runner/requirements.js';
import { inSpace, WireGuardGoServer } from '../../support/foreign/wireguard-go-server.js';

const NEEDS = [...TUN_MODE, 'tun-for-all', 'ping', 'setpriv', 'setcap'] as const;

/** An unprivileged user of Debian; any other one works as well. */
const USER = 65_534;

describeWith(NEEDS, 'an interface for a user without root privileges', () => {
  let server: WireGuardGoServer;
  let configPath: string;

  beforeEach(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    // A file owned by the user, in a folder that they may enter.
    configPath = join(server.folder, 'user.json');
    copyFileSync(server.configPath, configPath);
    for (const path of [server.folder, configPath]) chownSync(path, USER, USER);
  });
  afterEach(() => server.close());

  /** `arctun up` as that user, with that node. */
  function up(node: string, ...parameters: readonly string[]): TestProcess {
    return upWith([], node, ...parameters);
  }

  /** @param wrapper starts the command, still as root, in the client's namespace */
  function upWith(
    wrapper: readonly string[],
    node: string,
    ...parameters: readonly string[]
  ): TestProcess {
    const user = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
    const start = [...inSpace(server.clientSpace), ...wrapper, ...user];
    const command = [...start, node, ARCTUN, 'up', '--json'];
    return server.processes.start([...command, '--config', configPath, ...parameters], {
      env: { XDG_STATE_HOME: join(server.folder, 'state'), ARCTUN_MODE: 'auto' },
    });
  }

  const ip = (...parameters: readonly string[]) =>
    execFileSync('ip', ['-n', server.clientSpace, ...parameters], { encoding: 'utf8' });

  function ping(): string {
    const [space, ...inClient] = inSpace(server.clientSpace);
    const command = [...inClient, 'ping', '-c', '2', '-i', '0.2', server.inside.service];
    return execFileSync(space, command, { encoding: 'utf8' });
  }

  async function stop(running: TestProcess): Promise<Finished> {
    running.kill('SIGTERM');
    return running.finished;
  }

  it('can be created in advance, and set up as `up` requests', async () => {
    const { clientDevice } = server;
    ip('tuntap', 'add', clientDevice, 'mode', 'tun', 'user', String(USER));
    const refused = await up(process.execPath).finished;
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain('Run the missing steps: sudo ip link set');
    expect(refused.stderr).toMatch(/mode=userspace/i);
    const commands = /missing steps: (.*)\.$/m.exec(refused.stderr)![1]!.split(' && ');
    for (const command of commands) ip(...command.split(' ').slice(2));
    const running = up(process.execPath);
    await running.output(/"mode":"tun"/);
    expect(ping()).toContain(' 0% packet loss');
    await expect(stop(running)).resolves.toMatchObject({ code: 0 });
    // An interface that an administrator created is removed by the administrator.
    expect(ip('address', 'show', 'dev', clientDevice)).toContain(server.inside.client);
    const again = up(process.execPath);
    await again.output(/"mode":"tun"/);
    expect(ping()).toContain(' 0% packet loss');
    await stop(again);
  }, 60_000);

  it('can be created by a copy of node with the capability', async () => {
    const node = join(server.folder, 'node-tun');
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
    execFileSync('setcap', ['cap_net_admin+ep', node]);
    const running = up(node);
    await running.output(/"mode":"tun"/);
    expect(ping()).toContain(' 0% packet loss');
    await expect(stop(running)).resolves.toMatchObject({ code: 0 });
    expect(ip('-brief', 'link')).not.toContain(server.clientDevice);
  }, 60_000);

  it('is refused with exit code 6 and three solutions, and auto works without it', async () => {
    const refused = await up(process.execPath, '--mode', 'tun').finished;
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain('CAP_NET_ADMIN');
    expect(refused.stderr).toContain('sudo setcap cap_net_admin+ep');
    expect(refused.stderr).toContain(`sudo ip tuntap add ${server.clientDevice} mode tun user`);
    expect(refused.stderr).toMatch(/mode=userspace/i);
    const running = up(process.execPath);
    const line = await running.output(/^\{.*\}$/m);
    expect(JSON.parse(line[0])).toMatchObject({
      mode: 'userspace',
      modeReason: 'a network interface requires CAP_NET_ADMIN',
    });
    expect(running.stderr).toContain('Mode userspace: a network interface requires CAP_NET_ADMIN');
    await stop(running);
  }, 60_000);

  it('is refused with an explanation if only root may open /dev/net/tun', async () => {
    // Replaces the device node for these processes only: `ip netns exec` gives them separate
    // mounts.
    const device = join(server.folder, 'tun');
    execFileSync('mknod', ['-m', '600', device, 'c', '10', '200']);
    const hidden = ['sh', '-c', `mount --bind ${device} /dev/net/tun && exec "$@"`, 'sh'];
    const refused = await upWith(hidden, process.execPath, '--mode', 'tun').finished;
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain('this user is not permitted to open /dev/net/tun');
    const running = upWith(hidden, process.execPath);
    await running.output(/"modeReason":"this user is not permitted to open \/dev\/net\/tun"/);
    await stop(running);
  }, 60_000);
});
