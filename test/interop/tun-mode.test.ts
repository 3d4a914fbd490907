/** `up --mode tun` against wireguard-go: the kernel's TCP/IP at both ends, our WireGuard at one. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { TestProcess } from '../support/processes.js';
import { describeWith } from '../support/requirements.js';
import {
  INSIDE_IPV6,
  inSpace,
  SERVER_OUTSIDE,
  WireGuardGoServer,
} from '../support/wireguard-go-server.js';

const NEEDS = [
  'root',
  'linux',
  'koffi',
  'tun',
  'wireguard-go',
  'wg',
  'ip',
  'ethtool',
  'curl',
  'ping',
  'tshark',
] as const;

describeWith(NEEDS, 'a tunnel at a network interface', () => {
  let server: WireGuardGoServer;

  afterEach(() => server.close());

  async function start(inside?: typeof INSIDE_IPV6): Promise<void> {
    server = new WireGuardGoServer(inside);
    await server.startWireGuard();
    await server.startHttp();
  }

  async function up(...parameters: readonly string[]): Promise<TestProcess> {
    const started = server.arctun('up', '--mode', 'tun', '--json', ...parameters);
    await started.output(/"mode":"tun"/);
    return started;
  }

  function inClient(...command: readonly string[]): string {
    const [program, ...parameters] = [...inSpace(server.clientSpace), ...command];
    return execFileSync(program, parameters, { encoding: 'utf8' });
  }

  function isGone(): boolean {
    return !inClient('ip', '-brief', 'link').includes(server.clientDevice);
  }

  function rules(): string {
    return inClient('ip', 'rule') + inClient('ip', '-6', 'rule');
  }

  it.each([
    ['IPv4', undefined],
    ['IPv6', INSIDE_IPV6],
  ])(
    'carries pings and 20 MB each way, %s',
    async (_name, inside) => {
      await start(inside);
      const running = await up();
      const { service } = server.inside;
      expect(inClient('ping', '-c', '3', '-i', '0.2', service)).toContain(' 0% packet loss');
      const url = `http://${service.includes(':') ? `[${service}]` : service}/`;
      const body = Buffer.alloc(20_000_000, 'a body that is sent through an interface. ');
      const upload = join(server.folder, 'upload');
      writeFileSync(upload, body);
      const post = await server.curl('-f', '--data-binary', `@${upload}`, url).finished;
      expect(post).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(post.stdout)).toEqual({
        length: body.length,
        sha256: createHash('sha256').update(body).digest('hex'),
      });
      const get = await server.curl(
        '-f',
        '-o',
        '/dev/null',
        '-w',
        '%{size_download}',
        `${url}bytes/20000000`,
      ).finished;
      expect(get).toMatchObject({ code: 0, stdout: '20000000' });
      running.kill('SIGTERM');
      await expect(running.finished).resolves.toMatchObject({ code: 0 });
      expect(isGone()).toBe(true);
    },
    180_000,
  );

  it('leaves no interface behind when it is killed', async () => {
    await start();
    const running = await up();
    running.kill('SIGKILL');
    await running.finished;
    expect(isGone()).toBe(true);
    const next = await up();
    next.kill('SIGTERM');
    await expect(next.finished).resolves.toMatchObject({ code: 0 });
  }, 60_000);

  it('takes a default route without a loop, and gives the rules back, also those of one that was killed', async () => {
    await start();
    server.writeConfig({ allowedIps: ['0.0.0.0/0'] });
    const before = rules();
    const killed = await up();
    expect(rules()).not.toBe(before);
    expect(inClient('ip', 'route', 'get', '198.51.100.1')).toContain(`dev ${server.clientDevice}`);
    expect(inClient('ip', 'route', 'get', SERVER_OUTSIDE)).not.toContain(server.clientDevice);
    const { service } = server.inside;
    const answer = await server.curl('-f', `http://${service}/bytes/1000`).finished;
    expect(answer).toMatchObject({ code: 0 });
    killed.kill('SIGKILL');
    await killed.finished;
    const next = await up();
    next.kill('SIGTERM');
    await next.finished;
    expect(rules()).toBe(before);
  }, 60_000);

  it('ends when somebody removes the interface, and says so', async () => {
    await start();
    const running = await up();
    inClient('ip', 'link', 'delete', server.clientDevice);
    const { code, stderr } = await running.finished;
    expect(code).toBe(5);
    expect(stderr).toContain(`the network interface ${server.clientDevice} is gone`);
  }, 60_000);

  it('captures what goes through it, outside and inside', async () => {
    await start();
    const file = join(server.folder, 'tunnel.pcapng');
    const running = await up('--capture', file);
    inClient('ping', '-c', '2', '-i', '0.2', server.inside.service);
    running.kill('SIGTERM');
    await running.finished;
    const counted = (filter: string) =>
      execFileSync('tshark', ['-r', file, '-Y', filter], { encoding: 'utf8', stdio: 'pipe' })
        .split('\n')
        .filter(Boolean).length;
    expect(counted('frame.interface_name == "inside" && icmp')).toBe(4);
    // Initiation, response, and each packet inside at the least.
    expect(counted('frame.interface_name == "outside" && udp')).toBeGreaterThanOrEqual(6);
  }, 60_000);

  it('refuses a name that is taken, and says what to do', async () => {
    await start();
    const running = await up();
    const second = await server.arctun('up', '--mode', 'tun').finished;
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('another interface has this name');
    expect(second.stderr).toContain('Another tunnel may be running');
    running.kill('SIGTERM');
    await running.finished;
  }, 60_000);

  it('refuses to take the route of somebody else', async () => {
    await start();
    inClient('ip', 'route', 'add', server.inside.allowedIps, 'dev', 'lo');
    const refused = await server.arctun('up', '--mode', 'tun').finished;
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain(`route ${server.inside.allowedIps}`);
    expect(isGone()).toBe(true);
  }, 60_000);
});
