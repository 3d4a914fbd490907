/**
 * `send`, `exec`, `connect`, `ping` and `dig` through the tunnel of a running `up`, as a user without privileges,
 * with wireguard-go and the kernel's TCP as the peer.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  ARCTUN,
  REPOSITORY,
  type TestProcess,
  type TestProcessOptions,
} from '../support/processes.js';
import { describeWith, TUN_MODE } from '../support/runner/requirements.js';
import { inSpace, SERVICE, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';
import { until } from '../support/until.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'ethtool', 'curl', 'setpriv'] as const;
const NOBODY = 65_534;
const NAME_SERVER = '100.127.0.53';
const LARGE = 100_000_000;
const SUPPORT = `${REPOSITORY}test/support/foreign/`;

let server: WireGuardGoServer;
/** The user's home and run folder. */
let home: string;

async function startServer(): Promise<void> {
  server = new WireGuardGoServer();
  home = mkdtempSync(join(tmpdir(), 'arctun-user-'));
  chownSync(home, NOBODY, NOBODY);
  await server.startWireGuard();
  const add = ['address', 'add', `${NAME_SERVER}/32`, 'dev', 'lo'];
  execFileSync('ip', ['-n', server.serverSpace, ...add]);
  await server.startHttp();
  await peer('entry-point-peer.js', SERVICE, '23080');
  await peer('dns-peer.js', NAME_SERVER, `one.test=${SERVICE}`);
}

async function stopServer(): Promise<void> {
  await server.close();
  rmSync(home, { recursive: true });
}

async function peer(script: string, ...parameters: readonly string[]): Promise<void> {
  const command = [process.execPath, `${SUPPORT}${script}`, ...parameters];
  await server.processes.start([...inSpace(server.serverSpace), ...command]).output(/listening/);
}

/** Starts a program in the client's namespace as a user without privileges. */
function asUser(command: readonly string[], options: TestProcessOptions = {}): TestProcess {
  const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const env = {
    ARCTUN_CONFIG: readFileSync(server.configPath, 'utf8'),
    HOME: home,
    RUNTIME_DIRECTORY: join(home, 'run'),
    XDG_STATE_HOME: join(home, 'state'),
    ...options.env,
  };
  const all = [...inSpace(server.clientSpace), ...user, ...command];
  return server.processes.start(all, { cwd: home, ...options, env });
}

const arctun = (...words: readonly string[]) => [process.execPath, ARCTUN, ...words];
const run = (...words: readonly string[]) => asUser(arctun(...words)).finished;

async function startUp(...flags: readonly string[]): Promise<TestProcess> {
  const listen = ['--forward-listen', '127.0.0.1:0', '--log-format', 'json'];
  const up = asUser(arctun('up', '--mode', 'userspace', ...listen, ...flags));
  await up.output(/is up/);
  return up;
}

function wg(what: string): string {
  const command = [...inSpace(server.serverSpace), 'wg', 'show', server.device, what];
  return execFileSync(command[0]!, command.slice(1), { encoding: 'utf8' });
}

/** The time of the peer's latest handshake, in seconds. */
const latestHandshake = () => Number(wg('latest-handshakes').split('\t')[1]);

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describeWith([...PEERS, 'git'], 'commands with a running up in userspace', () => {
  let up: TestProcess;
  let endpoint: string;
  let lastHandshake: number;

  beforeAll(async () => {
    await startServer();
    up = await startUp('--proxy-listen', 'off');
    endpoint = wg('endpoints');
    lastHandshake = latestHandshake();
  }, 60_000);
  // Both would change if a command opened a tunnel of its own.
  afterEach(() => {
    expect(wg('endpoints')).toBe(endpoint);
    const since = latestHandshake() - lastHandshake;
    // The running up itself starts a handshake after REKEY_AFTER_TIME (120 s).
    if (since !== 0) expect(since).toBeGreaterThanOrEqual(119);
    lastHandshake += since;
  });
  afterAll(stopServer);

  it.each(['tcp', 'udp'])(
    'sends over %s',
    async (via) => {
      const sent = await run('send', '--via', via, '21.5');
      expect(sent).toEqual({ code: 0, stdout: '201 21.5', stderr: '' });
    },
    60_000,
  );

  it.each([
    ['http', `${SERVICE}:9`, 'the target refused the connection'],
    ['tcp', `${SERVICE}:9`, 'the target refused the connection'],
    ['tcp', 'one.test:9', `cannot send to one.test:9: ${SERVICE}: the target refused`],
    ['udp', `${SERVICE}:9`, 'UDP port 9 on the target is closed'],
    ['tcp', '192.0.2.1', '192.0.2.1 is outside the allowed IPs'],
  ])(
    'reports over %s why %s cannot be reached',
    async (via, target, reason) => {
      const sent = await run('send', '--via', via, '--forward-to', target, 'x');
      expect(sent).toMatchObject({ code: 5, stdout: '' });
      expect(sent.stderr).toContain(reason);
    },
    60_000,
  );

  it('notes over TCP that a message arrived, but no response', async () => {
    const sent = await run('send', '--via', 'tcp', '--timeout', '1', 'silent');
    expect(sent).toMatchObject({ code: 0, stdout: '' });
    expect(sent.stderr).toContain('The message was delivered, but the target did not send');
  }, 60_000);

  it('connects standard input and output, until both directions have ended', async () => {
    const request = `POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello`;
    const { code, stdout, stderr } = await asUser(arctun('connect', 'one.test', '80'), {
      input: request,
    }).finished;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(JSON.stringify({ length: 5, sha256: sha256(Buffer.from('hello')) }));
  }, 60_000);

  it.each([
    [`${SERVICE}:81`, 'refused'],
    ['192.0.2.1:80', 'outside the allowed IPs'],
    ['one.test:81', `cannot connect to one.test:81: ${SERVICE}: the target refused the connection`],
    ['nowhere.test:80', 'did not return an address'],
  ])(
    'exits with 5 if %s cannot be connected',
    async (target, reason) => {
      const { code, stdout, stderr } = await run('connect', target);
      expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
      expect(stderr).toContain(reason);
    },
    60_000,
  );

  it('says that --dns has no effect on a ping of a name', async () => {
    const flags = ['ping', '-c', '1', '--dns', '192.0.2.53'];
    const named = await run(...flags, 'one.test');
    expect(named).toMatchObject({ code: 0 });
    expect(named.stderr).toContain('--dns has no effect');
    expect(await run(...flags, SERVICE)).toMatchObject({ code: 0, stderr: '' });
  }, 60_000);

  it('pings, with the round trips that the up measured', async () => {
    const { code, stdout, stderr } = await run('ping', '-c', '3', '-i', '0.2', 'one.test');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const reply = (sequence: number) =>
      `64 bytes from ${SERVICE}: icmp_seq=${sequence} ttl=64 time=T ms\n`;
    expect(stdout.replaceAll(/time=[\d.]+ ms/g, 'time=T ms')).toContain(
      `PING one.test (${SERVICE}) 56(84) bytes of data.\n${reply(1)}${reply(2)}${reply(3)}`,
    );
    const json = await run('ping', '--json', '-c', '1', '--hosts', `camera=${SERVICE}`, 'camera');
    expect(JSON.parse(json.stdout)).toMatchObject({ host: 'camera', address: SERVICE, sent: 1 });
  }, 60_000);

  it.each([
    [5, '192.0.2.99', [], 'outside the allowed IPs'],
    [5, 'nowhere.test', [], 'nowhere.test'],
    [5, SERVICE, ['-6'], 'is not an IPv6 address'],
    [2, SERVICE, ['-s', '1393'], 'a packet in the tunnel can hold 1392 bytes'],
  ])(
    'exits with %i for a ping to %s with %j',
    async (code, host, flags, reason) => {
      const failed = await run('ping', ...flags, host);
      expect(failed).toMatchObject({ code, stdout: '' });
      expect(failed.stderr).toContain(reason);
    },
    60_000,
  );

  it('looks up names with the name servers of the up', async () => {
    const found = await run('dig', 'one.test');
    expect(found).toMatchObject({ code: 0, stderr: '' });
    expect(found.stdout).toMatch(/one\.test\.\t+\d+\tIN\tA\t100\.127\.69\.42\n/);
    expect(found.stdout).toContain(`server: ${NAME_SERVER} (UDP)`);
    const other = await run('dig', '--dns', SERVICE, 'one.test');
    expect(other).toMatchObject({ code: 5, stdout: '' });
  }, 60_000);

  it('opens a proxy for exec that other users cannot use', async () => {
    const exec = asUser(
      arctun('exec', '--', 'sh', '-c', 'echo "<$ARCTUN_PROXY_URL>"; exec sleep 1000'),
    );
    const [, url] = await exec.output(/<(\S+)>/);
    const { password, host } = new URL(url!);
    expect(password).toMatch(/^[0-9a-f]{32}$/);
    const curl = async (...words: readonly string[]) => {
      const status = ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{http_connect}'];
      const command = ['curl', ...status, ...words, `http://${SERVICE}/bytes/1`];
      const { code, stdout } = await server.processes.run([
        ...inSpace(server.clientSpace),
        ...command,
      ]);
      return `${code} ${stdout}`;
    };
    expect(await curl('-x', url!)).toBe('0 200 000');
    expect(await curl('-x', url!.replace('http:', 'socks5h:'))).toBe('0 200 000');
    expect(await curl('-x', `http://${host}`)).toBe('0 407 000');
    expect(await curl('-x', `http://${host}`, '-p')).toBe('56 000 407');
    expect(await curl('-x', `socks5h://${host}`)).toBe('97 000 000');
    expect(await curl('-x', `socks4a://${host}`)).toBe('97 000 000');
    exec.kill('SIGTERM');
    expect((await exec.finished).code).toBe(143);
  }, 60_000);

  it('sends the password from the URL with git', async () => {
    const command = 'GIT_TRACE_CURL=1 git ls-remote http://one.test/project.git 2>&1';
    const { code, stdout } = await run('exec', '--', 'sh', '-c', command);
    expect(stdout).toMatch(/HTTP\/1\.1 201/);
    expect(code).toBe(0);
  }, 60_000);

  it('carries 100 MB in each direction, byte for byte', async () => {
    const file = join(home, 'upload');
    const body = Buffer.alloc(LARGE, 'the content of a large upload. ');
    writeFileSync(file, body);
    const curl = ['curl', '-sS', '-f', '--max-time', '240'];
    const upload = await run(
      ...['exec', '--', ...curl, '--data-binary', `@${file}`, 'http://one.test/'],
    );
    expect(upload).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(upload.stdout)).toEqual({ length: LARGE, sha256: sha256(body) });
    const url = `http://${SERVICE}/bytes/${LARGE}`;
    const direct = await server.processes.run([
      ...inSpace(server.serverSpace),
      ...['sh', '-c', `curl -sS ${url} | sha256sum`],
    ]);
    const request = join(home, 'request');
    writeFileSync(request, `GET /bytes/${LARGE} HTTP/1.0\r\n\r\n`);
    const connect = arctun('connect', `${SERVICE}:80`).join(' ');
    // The server would end its response if the input ended before the output.
    const pipeline = [
      `mkfifo hold && (cat ${request} hold)`,
      connect,
      `(tail -c ${LARGE} | sha256sum; : > hold)`,
    ];
    const download = await asUser(['sh', '-c', pipeline.join(' | ')]).finished;
    expect(download).toEqual({ code: 0, stdout: direct.stdout, stderr: '' });
  }, 300_000);

  it('carries 1,000 short connections', async () => {
    const curl = ['curl', '-sS', '-f', '-Z', '--parallel-max', '100', '-o', '/dev/null'];
    const { code, stdout, stderr } = await run(
      ...['exec', '--', ...curl, '-w', '%{size_download}\n', `http://${SERVICE}/bytes/[1-1000]`],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const sizes = stdout.trim().split('\n').map(Number);
    expect(sizes.sort((one, other) => one - other)).toEqual(
      Array.from({ length: 1000 }, (_, index) => index + 1),
    );
  }, 120_000);

  it('serves several commands at once', async () => {
    const sent = await Promise.all(
      ['a', 'b', 'c'].map((text) => run('send', '--via', 'tcp', text)),
    );
    expect(sent.map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, '201 a'],
      [0, '201 b'],
      [0, '201 c'],
    ]);
  }, 60_000);

  it('pings several times at once, and prints the statistics after SIGINT', async () => {
    const [endless, ...others] = ['0', '3', '3'].map((count) =>
      asUser(arctun('ping', '-c', count, '-i', '0.2', SERVICE)),
    );
    for (const { code, stdout } of await Promise.all(others.map(({ finished }) => finished))) {
      expect(stdout).toContain('3 packets transmitted, 3 received, 0% packet loss');
      expect(code).toBe(0);
    }
    await endless!.output(/icmp_seq=2 /);
    endless!.kill('SIGINT');
    const { code, stdout } = await endless!.finished;
    expect(stdout).toMatch(/ping statistics ---\n\d+ packets transmitted/);
    expect(code).toBe(0);
  }, 60_000);

  it('passes on the exit code, and does not write to standard output', async () => {
    expect(await run('exec', '--', 'sh', '-c', 'echo "$@"; exit 7', 'x', 'a', 'b', 'a')).toEqual({
      code: 7,
      stdout: 'a b a\n',
      stderr: '',
    });
  }, 60_000);

  it('fails when the up is killed during a transfer', async () => {
    const connect = asUser(arctun('connect', `${SERVICE}:80`), { interactive: true });
    connect.child.stdin!.write(`POST / HTTP/1.0\r\nContent-Length: 1000000\r\n\r\nhalf`);
    await until(() => up.stderr !== '');
    const exec = asUser(arctun('exec', '--', 'sh', '-c', 'echo started; exec sleep 1000'));
    await exec.output(/started/);
    const request = `GET /bytes/2000000000 HTTP/1.0\r\n\r\n`;
    const large = asUser(arctun('connect', `${SERVICE}:80`), { interactive: true });
    large.child.stdin!.write(request);
    await large.output(/200 OK/);
    const ping = asUser(arctun('ping', '-c', '0', '-i', '0.2', SERVICE));
    await ping.output(/icmp_seq=2 /);
    up.kill('SIGKILL');
    for (const process of [connect, large, ping]) {
      const { code, stderr } = await process.finished;
      expect(code).toBe(5);
      expect(stderr).toContain('which owns the tunnel, has stopped');
    }
    exec.kill('SIGTERM');
    expect((await exec.finished).code).toBe(143);
  }, 60_000);
});

describeWith(PEERS, 'exec with a running up whose proxy has a password', () => {
  beforeAll(startServer, 60_000);
  afterAll(stopServer);

  it('opens a port with another password', async () => {
    const up = asUser(
      arctun(
        'up',
        '--mode',
        'userspace',
        '--forward-listen',
        '127.0.0.1:0',
        '--log-format',
        'json',
      ),
      { env: { ARCTUN_PROXY_LISTEN: '127.0.0.1:0', ARCTUN_PROXY_PASSWORD: 'secret of the up' } },
    );
    await up.output(/is up/);
    const curl = 'curl -sS -o /dev/null -w %{http_code} http://one.test/bytes/1';
    const script = `echo "$http_proxy"; ${curl}`;
    const { code, stdout, stderr } = await run('exec', '--', 'sh', '-c', script);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^http:\/\/arctun:[0-9a-f]{32}@127\.0\.0\.1:\d+\n200$/);
  }, 60_000);
});

describeWith([...PEERS, ...TUN_MODE, 'ping'], 'commands with a running up in tun mode', () => {
  beforeAll(async () => {
    await startServer();
    const up = server.arctun('up', '--mode', 'tun', '--log-format', 'json');
    await up.output(/is up/);
  }, 60_000);
  afterAll(stopServer);

  /** Runs arctun as the owner of the control socket. */
  const runAsRoot = (...words: readonly string[]) =>
    server.processes.start([...inSpace(server.clientSpace), ...arctun(...words)], {
      env: { ARCTUN_CONFIG: readFileSync(server.configPath, 'utf8') },
    }).finished;

  it.each(['tcp', 'udp'])(
    'sends over %s through the interface',
    async (via) => {
      const before = wg('endpoints');
      expect(await runAsRoot('send', '--via', via, 'x')).toEqual({
        code: 0,
        stdout: '201 x',
        stderr: '',
      });
      expect(wg('endpoints')).toBe(before);
    },
    60_000,
  );

  it('looks up names, and refers to the system’s ping, which works', async () => {
    const found = await runAsRoot('dig', '--short', 'one.test');
    expect(found).toEqual({ code: 0, stdout: `${SERVICE}\n`, stderr: '' });
    const refused = await runAsRoot('ping', SERVICE);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/arctun up \(pid \d+\) is in tun mode/);
    const [, advice] = /(ping -I \S+ [\d.]+)/.exec(refused.stderr) ?? [];
    const { code } = await server.processes.run([
      ...[...inSpace(server.clientSpace), 'sh', '-c', `${advice} -c 1`],
    ]);
    expect(code).toBe(0);
  }, 60_000);

  it('resolves names inside the tunnel', async () => {
    const curl = ['curl', '-sS', '-f', '-o', '/dev/null', '-w', '%{size_download}'];
    expect(await runAsRoot('exec', '--', ...curl, 'http://one.test/bytes/5000')).toEqual({
      code: 0,
      stdout: '5000',
      stderr: '',
    });
    const missing = await runAsRoot('connect', 'nowhere.test:80');
    expect(missing).toMatchObject({ code: 5 });
    expect(missing.stderr).toContain('did not return an address for this name');
  }, 60_000);

  it('refuses targets outside the allowed IPs, and closed ports', async () => {
    const outside = await runAsRoot('connect', '192.0.2.1:80');
    expect(outside.stderr).toContain('192.0.2.1 is outside the allowed IPs');
    const closed = await runAsRoot('connect', `${SERVICE}:81`);
    expect(closed.stderr).toContain('the target refused the connection');
    expect([outside.code, closed.code]).toEqual([5, 5]);
  }, 60_000);

  it('does not send outside the tunnel if a more specific route leads there', async () => {
    const route = (verb: string) =>
      execFileSync('ip', ['-n', server.clientSpace, 'route', verb, SERVICE, 'via', '192.0.2.1']);
    route('add');
    try {
      const { code, stderr } = await runAsRoot('send', '--via', 'udp', 'x');
      expect(code).toBe(5);
      expect(stderr).toMatch(/this system does not route 100\.127\.69\.42 to arc/);
    } finally {
      route('del');
    }
  }, 60_000);

  it('refuses another user', async () => {
    const { code, stderr } = await run('send', 'x');
    expect(code).toBe(5);
    expect(stderr).toMatch(/cannot send: arctun up \(pid \d+\) is already using this SIM/);
  }, 60_000);
});
