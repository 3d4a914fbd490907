/**
 * However `up --mode tun` ends, it leaves no interface, address, route, rule, socket or process,
 * and its messages name the way out.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { ARCTUN, type TestProcess } from '../../support/processes.js';
import { describeWith, TUN_MODE } from '../../support/runner/requirements.js';
import {
  inSpace,
  SERVER_OUTSIDE,
  WireGuardGoServer,
} from '../../support/foreign/wireguard-go-server.js';

const NEEDS = [...TUN_MODE, 'nft'] as const;

function first([program = '', ...words]: readonly string[]): [string, string[]] {
  return [program, words];
}

describeWith(NEEDS, 'the end of a tunnel with a network interface', () => {
  let server: WireGuardGoServer;
  let before: string;

  beforeEach(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    before = network();
  });
  afterEach(() => server.close());

  /** All interfaces, addresses, routes and rules of the client's system. */
  function network(): string {
    const list = (...parameters: string[]) =>
      execFileSync('ip', ['-n', server.clientSpace, ...parameters], { encoding: 'utf8' });
    return (
      [
        list('-brief', 'address'),
        list('route', 'show', 'table', 'all'),
        list('-6', 'route', 'show', 'table', 'all'),
        list('rule'),
        list('-6', 'rule'),
      ]
        .join('\n')
        .split('\n')
        // The veth's own address, which appears after duplicate address detection.
        .filter((line) => !line.includes('fe80::'))
        .join('\n')
    );
  }

  function expectNothingLeft(): void {
    expect(network()).toBe(before);
    expect(existsSync(`/var/run/wireguard/${server.clientDevice}.sock`)).toBe(false);
    const processes = execFileSync('ip', ['netns', 'pids', server.clientSpace], {
      encoding: 'utf8',
    });
    expect(processes).toBe('');
  }

  /** An arc.json with additional fields, and everything routed inside. */
  function configure(members: object): void {
    server.writeConfig({ allowedIps: ['100.127.0.0/16', '0.0.0.0/0'] });
    const config = JSON.parse(readFileSync(server.configPath, 'utf8')) as object;
    writeFileSync(server.configPath, JSON.stringify({ ...config, ...members }), { mode: 0o600 });
  }

  async function up(...parameters: readonly string[]): Promise<TestProcess> {
    const running = server.arctun('up', '--mode', 'tun', '--json', ...parameters);
    await running.output(/"mode":"tun"/, 'stdout', 60_000);
    expect(network()).not.toBe(before);
    return running;
  }

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'leaves nothing at %s',
    async (signal) => {
      configure({});
      const running = await up();
      running.kill(signal);
      await expect(running.finished).resolves.toMatchObject({ code: 0 });
      expectNothingLeft();
    },
    60_000,
  );

  /** The error of a connect() to an address that is routed into the tunnel, or past it. */
  async function connectTo(address: string): Promise<string | undefined> {
    const script = `require('node:net').connect(80, '${address}')
      .on('error', ({ code }) => console.log(code)).setTimeout(1000, () => process.exit())`;
    const words = [...inSpace(server.clientSpace), process.execPath, '-e', script];
    return (await server.processes.run(words)).stdout.trim();
  }

  /** Counts unencrypted packets that leave by the default route, on the server's side. */
  function watchDefaultRoute(): () => number {
    const [client, outside] = [server.clientSpace, server.serverSpace];
    execFileSync('ip', ['-n', client, 'route', 'add', 'default', 'via', SERVER_OUTSIDE]);
    before = network();
    const nft = (...words: string[]) =>
      execFileSync(...first([...inSpace(outside), 'nft', words.join(' ')]), { encoding: 'utf8' });
    nft(
      'add table inet clear; add chain inet clear in { type filter hook prerouting priority -300; };',
    );
    nft(
      'add counter inet clear passed; add rule inet clear in ip daddr 100.127.0.0/16 counter name passed;',
    );
    nft('add rule inet clear in ip daddr 198.51.100.0/24 counter name passed');
    return () => Number(/packets (\d+)/.exec(nft('list counter inet clear passed'))?.[1]);
  }

  it('sends nothing unencrypted after SIGKILL, and the next process takes over the guards and removes them', async () => {
    server.writeConfig({ allowedIps: ['100.127.0.0/16'] });
    const inClear = watchDefaultRoute();
    const killed = await up();
    killed.kill('SIGKILL');
    await killed.finished;
    expect(network()).not.toContain(server.clientDevice);
    expect(await connectTo('100.127.69.42')).toMatch(/^(EHOSTUNREACH|ENETUNREACH)$/);
    expect(inClear()).toBe(0);
    const next = await up();
    next.kill('SIGTERM');
    await expect(next.finished).resolves.toMatchObject({ code: 0 });
    expectNothingLeft();
    // After an orderly end, the system's own route applies.
    server.allowStrays();
    await connectTo('100.127.69.42');
    expect(inClear()).toBeGreaterThan(0);
  }, 180_000);

  it('blocks a default route after SIGKILL with --kill-switch, reconnects, and unblocks it when it stops', async () => {
    configure({});
    const inClear = watchDefaultRoute();
    const killed = await up('--kill-switch');
    killed.kill('SIGKILL');
    await killed.finished;
    expect(await connectTo('198.51.100.1')).toMatch(/^(EHOSTUNREACH|ENETUNREACH)$/);
    const next = await up('--kill-switch');
    next.kill('SIGABRT');
    await expect(next.finished).resolves.toMatchObject({ code: 134 });
    expect(await connectTo('198.51.100.1')).toMatch(/^(EHOSTUNREACH|ENETUNREACH)$/);
    expect(inClear()).toBe(0);
    const last = await up('--kill-switch');
    last.kill('SIGTERM');
    await expect(last.finished).resolves.toMatchObject({ code: 0 });
    expectNothingLeft();
  }, 180_000);

  it('leaves nothing after --cleanup, which refuses while a tunnel runs', async () => {
    configure({});
    const killed = await up('--kill-switch');
    const refused = await server.arctun('up', '--cleanup').finished;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`the network interface ${server.clientDevice} still exists`);
    killed.kill('SIGKILL');
    await killed.finished;
    expect(network()).not.toBe(before);
    const { code, stderr } = await server.arctun('up', '--cleanup').finished;
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/Removed 4 routes and rules/) as string,
    });
    expect(network()).toBe(before);
  }, 180_000);

  it('leaves nothing without a handshake', async () => {
    server.signalWireGuard('SIGSTOP');
    configure({});
    const { code, stderr } = await server.arctun('up', '--mode', 'tun', '--wait', '1').finished;
    server.signalWireGuard('SIGCONT');
    expect(code).toBe(5);
    expect(stderr).toContain('no handshake with the Arc server');
    expectNothingLeft();
  }, 60_000);

  it.each([
    ['preUp', 'failed to do PreUp(0)'],
    ['postUp', 'failed to do PostUp(0)'],
  ])(
    'leaves nothing if a command of %s fails',
    async (phase, text) => {
      configure({ [phase]: [['sh', '-c', 'echo no luck with %i; exit 3']] });
      const { code, stderr } = await server.arctun('up', '--mode', 'tun').finished;
      expect(code).toBe(1);
      expect(stderr).toContain(text);
      expect(stderr).toContain(`no luck with ${server.clientDevice}`);
      expectNothingLeft();
    },
    60_000,
  );

  it('leaves nothing if a command hangs and the user interrupts', async () => {
    configure({ postUp: [['sh', '-c', 'sleep 300 & wait']] });
    const running = server.arctun('up', '--mode', 'tun');
    await running.output(/executing PostUp\(0\)/, 'stderr');
    running.kill('SIGTERM');
    await expect(running.finished).resolves.toMatchObject({ code: 0 });
    expectNothingLeft();
  }, 60_000);

  it('leaves nothing if the name is in use, and does not change the existing interface', async () => {
    const ours = ['tuntap', 'add', server.clientDevice, 'mode', 'tap'];
    execFileSync('ip', ['-n', server.clientSpace, ...ours]);
    before = network();
    const { code, stderr } = await server.arctun('up', '--mode', 'tun').finished;
    expect(code).toBe(1);
    expect(stderr).toContain('an interface with this name already exists');
    expect(stderr).toContain(`set another interface name in ${server.configPath}`);
    expectNothingLeft();
  }, 60_000);

  it('explains what to do without /dev/net/tun, and auto works without it', async () => {
    // Mounts are private to each process in `ip netns exec`.
    const hidden = ['sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh'];
    const start = (mode: string) =>
      server.processes.start([
        ...[...inSpace(server.clientSpace), ...hidden, process.execPath, ARCTUN, 'up', '--json'],
        ...['--mode', mode, '--config', server.configPath],
      ]);
    const { code, stderr } = await start('tun').finished;
    expect(code).toBe(1);
    expect(stderr).toContain('/dev/net/tun does not exist');
    expect(stderr).toContain('sudo modprobe tun');
    const running = start('auto');
    await running.output(/"mode":"userspace"/);
    expect(running.stderr).toContain('Mode userspace: /dev/net/tun does not exist.');
    running.kill('SIGTERM');
    await running.finished;
    expectNothingLeft();
  }, 60_000);

  it('is chosen by auto for root, with a message', async () => {
    const running = server.arctun('up', '--mode', 'auto', '--json');
    const line = await running.output(/^\{.*\}$/m);
    expect(JSON.parse(line[0])).toEqual({
      mode: 'tun',
      simId: expect.any(String) as string,
      socket: expect.stringMatching(/\.sock$/) as string,
      interface: server.clientDevice,
      endpoint: '192.0.2.1:11010',
      modeReason: 'a network interface is permitted',
      status: null,
    });
    expect(running.stderr).toContain('Mode tun: a network interface is permitted.');
    running.kill('SIGTERM');
    await expect(running.finished).resolves.toMatchObject({ code: 0 });
    expectNothingLeft();
  }, 60_000);
});
