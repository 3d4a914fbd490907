/** The mixed port as curl uses it, with wireguard-go and the kernel's TCP as the peer. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';

import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { itInRelease } from '../support/runner/tier.js';
import { inSpace, SERVICE, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'nft', 'curl', 'ethtool'] as const;
const NAME_SERVER = '100.127.0.53';
const OTHER_SERVICE = '100.127.69.43';

function digest(bytes: Uint8Array): { length: number; sha256: string } {
  return {
    length: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

describeWith(PEERS, 'the mixed port with wireguard-go as the peer', () => {
  let server: WireGuardGoServer;
  let names: TestProcess;
  let up: TestProcess;
  let proxy: string;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    for (const address of [NAME_SERVER, OTHER_SERVICE]) {
      const add = ['address', 'add', `${address}/32`, 'dev', 'lo'];
      execFileSync('ip', ['-n', server.serverSpace, ...add]);
    }
    await server.startHttp();
    await peer('http-peer.js', OTHER_SERVICE, '80');
    const entries = [`one.test=${SERVICE}`, `two.test=${OTHER_SERVICE}`, `big.test=${SERVICE}`];
    names = await peer('dns-peer.js', NAME_SERVER, ...entries, 'outside.test=192.0.2.77');
    up = (await server.up('--proxy-listen', '127.0.0.1:0')).process;
    proxy = (await up.output(/"proxy":"([^"]+)"/))[1]!;
  }, 60_000);
  afterAll(() => server.close());

  async function peer(script: string, ...parameters: readonly string[]): Promise<TestProcess> {
    const command = [
      process.execPath,
      `${REPOSITORY}test/support/foreign/${script}`,
      ...parameters,
    ];
    const started = server.processes.start([...inSpace(server.serverSpace), ...command]);
    await started.output(/listening/);
    return started;
  }

  it('connects to two hosts on one connection', async () => {
    const one = ['-s', '-f', '-x', `http://${proxy}`, '-w', ' %{num_connects}\n', '-d', 'x'];
    const { stdout } = await server.curl(...one, 'one.test/', '--next', ...one, 'two.test/')
      .finished;
    const answer = JSON.stringify(digest(Buffer.from('x')));
    expect(stdout).toBe(`${answer} 1\n${answer} 0\n`);
  }, 60_000);

  it('resolves names inside the tunnel, over TCP if a response is too long', async () => {
    const { code } = await server.curl(
      ...['-f', '--socks5-hostname', proxy, '-o', '/dev/null', '-d', 'x', 'big.test/'],
    ).finished;
    expect(code).toBe(0);
    expect(names.stdout).toContain('udp A big.test\ntcp A big.test\n');
    // A cached name is not queried again.
    expect(names.stdout.match(/ one\.test\n/g)).toHaveLength(1);
  }, 60_000);

  /** curl's exit code, its output, and the milliseconds it took by its own clock. */
  async function refusal(...parameters: readonly string[]) {
    const { code, stdout, stderr } = await server.curl(
      ...['-w', '\n%{http_code} %{http_connect} %{time_total}', ...parameters],
    ).finished;
    const [, status, connect, seconds] = /(\d+) (\d+) ([\d.]+)$/.exec(stdout) ?? [];
    return { code, stdout, stderr, status, connect, seconds: Number(seconds) };
  }

  itInRelease.each([
    ['192.0.2.77', 'no-route', 2],
    ['outside.test', 'no-route', 2],
    [`${SERVICE}:81`, 'refused', 5],
    ['nowhere.test', 'no-such-name', 4],
    ['localhost', 'no-such-name', 4],
  ])(
    'reports at once that no route to %s exists',
    async (target, reason, reply) => {
      const plain = await refusal('-x', `http://${proxy}`, `http://${target}/`);
      expect(plain).toMatchObject({ code: 0, status: '502' });
      expect(plain.stdout).toContain(`"reason":"${reason}"`);
      const tunnel = await refusal('-x', `http://${proxy}`, '-p', `http://${target}/`);
      expect(tunnel).toMatchObject({ code: 56, connect: '502' });
      const socks = await refusal('--socks5-hostname', proxy, `http://${target}/`);
      expect(socks.code).toBe(97);
      expect(socks.stderr).toContain(`(${reply})`);
      // Without a route, a connection would be attempted for longer than that.
      for (const { seconds } of [plain, tunnel, socks]) expect(seconds).toBeLessThan(5);
    },
    60_000,
  );

  it('exits with 0 while a connection is open', async () => {
    const slow = server.curl(
      ...['--limit-rate', '1M', '-p', '-x', `http://${proxy}`, '-o', '/dev/null'],
      'one.test/bytes/20000000',
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    up.kill('SIGTERM');
    expect((await up.finished).code).toBe(0);
    expect((await slow.finished).code).not.toBe(0);
  }, 60_000);
});
