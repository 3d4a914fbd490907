/** Port forwards with wireguard-go and the kernel's TCP and UDP as the peer. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import {
  CLIENT_INSIDE,
  inSpace,
  SERVICE,
  WireGuardGoServer,
} from '../support/foreign/wireguard-go-server.js';
import { until } from '../support/until.js';

const PEERS = [
  ...(['root', 'wireguard-go', 'wg', 'ip', 'nft', 'curl', 'ethtool'] as const),
  ...(['ssh', 'sshd', 'nc', 'python3'] as const),
] as const;
const NAME_SERVER = '100.127.0.53';
/** A UDP server that sends back each datagram, with its sender's address in front. */
const ECHO = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], int(sys.argv[2])))
print('listening', flush=True)
while True:
    data, sender = s.recvfrom(65536)
    s.sendto(('%s:%d ' % sender).encode() + data[:100], sender)
`;
/** Sends each argument as a datagram from one socket and prints the responses. */
const ASK = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(20)
s.connect((sys.argv[1], int(sys.argv[2])))
for word in sys.argv[3:]:
    s.send(word.encode()); print(s.recv(65536).decode(), flush=True)
`;

/** Accepts one connection, reads it to its end, then sends the number of bytes. */
const COUNT = `
import socket, sys
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind((sys.argv[1], int(sys.argv[2]))); l.listen(); print('listening', flush=True)
c = l.accept()[0]; n = 0
while True:
    data = c.recv(65536)
    if not data: break
    n += len(data)
c.sendall(str(n).encode()); c.close()
`;

interface Listed {
  readonly listen: string;
  readonly target: string;
  readonly active: number;
  readonly connections: number;
  readonly dropped: number;
  readonly failures: number;
}

describeWith(PEERS, 'port forwards with wireguard-go as the peer', () => {
  let server: WireGuardGoServer;
  let up: TestProcess;
  let listens: Readonly<Record<string, string>>;
  let socket: string;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    execFileSync('ip', [
      '-n',
      server.serverSpace,
      'address',
      'add',
      `${NAME_SERVER}/32`,
      'dev',
      'lo',
    ]);
    await server.startHttp();
    await peer(server.serverSpace, 'dns-peer.js', NAME_SERVER, `web.test=${SERVICE}`);
    await peer(server.clientSpace, 'http-peer.js', '127.0.0.1', '8000');
    await python(server.serverSpace, ECHO, SERVICE, '7').output(/listening/);
    await python(server.clientSpace, ECHO, '127.0.0.1', '7').output(/listening/);
    for (const space of [server.serverSpace, server.clientSpace]) await startSshd(space);
    socket = join(server.folder, 'web.sock');
    const locals = [`0:web.test:80`, `0:${SERVICE}:2200`, `0:${SERVICE}:7/udp`, `0:${SERVICE}:9`];
    const remotes = ['8080:127.0.0.1:8000', '2222:2200', '7:7/udp', '9:9', '10:9/udp'];
    const flags = [
      ...[...locals, `${socket}:web.test:80`].flatMap((text) => ['-L', text]),
      ...remotes.flatMap((text) => ['-R', text]),
    ];
    const limits = ['--proxy-listen', 'off', '--log-level', 'info'];
    up = (await server.up(...limits, ...flags)).process;
    const [, json = ''] = await up.output(/^(\{.*"forwards".*\})$/m);
    const { forwards } = JSON.parse(json) as { forwards: (Listed & { protocol: string })[] };
    const ports = forwards.filter(({ listen }) => listen !== socket);
    listens = Object.fromEntries(
      ports.map(({ protocol, target, listen }) => [`${protocol} ${target}`, listen]),
    );
  }, 90_000);
  afterAll(() => server.close());

  async function peer(space: string, script: string, ...parameters: string[]): Promise<void> {
    const file = `${REPOSITORY}test/support/foreign/${script}`;
    const command = [...inSpace(space), process.execPath, file, ...parameters];
    await server.processes.start(command).output(/listening/);
  }

  function python(space: string, code: string, ...parameters: string[]): TestProcess {
    return server.processes.start([...inSpace(space), 'python3', '-c', code, ...parameters]);
  }

  async function startSshd(space: string): Promise<void> {
    mkdirSync('/run/sshd', { recursive: true });
    const keys = ['host', 'user'].map((name) => join(server.folder, `${name}.key`));
    for (const key of keys) {
      if (!existsSync(key))
        execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    }
    const options = [
      ...['-o', 'ListenAddress=0.0.0.0:2200', '-o', 'UsePAM=no', '-o', 'StrictModes=no'],
      ...[
        '-o',
        `AuthorizedKeysFile=${keys[1]}.pub`,
        '-o',
        'PermitRootLogin=yes',
        '-o',
        'PidFile=none',
      ],
    ];
    const command = ['/usr/sbin/sshd', '-D', '-e', '-f', '/dev/null', '-h', keys[0]!, ...options];
    await server.processes.start([...inSpace(space), ...command]).output(/listening/, 'stderr');
  }

  const inside = (...command: string[]) =>
    server.processes.run([...inSpace(server.serverSpace), ...command]);
  const forward = (...parameters: string[]) => server.arctun('forward', ...parameters).finished;

  async function list(): Promise<readonly Listed[]> {
    return JSON.parse((await forward('list', '--json')).stdout) as Listed[];
  }

  it('leads curl to a name inside the tunnel, over TCP and over a Unix socket', async () => {
    const one = await server.curl(
      '-f',
      `http://${listens['tcp web.test:80']!}/bytes/3000000`,
      '-o',
      '/dev/null',
      '-w',
      '%{size_download}',
    ).finished;
    expect(one).toMatchObject({ code: 0, stdout: '3000000' });
    const two = await server.curl('-f', '--unix-socket', socket, 'http://web.test/', '-d', 'x')
      .finished;
    expect(two).toMatchObject({ code: 0 });
    expect(JSON.parse(two.stdout)).toMatchObject({ length: 1 });
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  }, 60_000);

  it('leads curl from the inside to an HTTP server on this machine', async () => {
    const body = join(server.folder, 'body');
    writeFileSync(body, Buffer.alloc(3_000_000, 'a body '));
    const { code, stdout } = await inside(
      ...[
        'curl',
        '-sS',
        '-f',
        '--max-time',
        '60',
        '--data-binary',
        `@${body}`,
        `http://${CLIENT_INSIDE}:8080/`,
      ],
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ length: 3_000_000 });
  }, 60_000);

  it('carries UDP in both directions, with a socket for each client', async () => {
    const local = listens[`udp ${SERVICE}:7`]!;
    const [host = '', port = ''] = local.split(':');
    const one = await python(server.clientSpace, ASK, host, port, 'a', 'b').finished;
    const [first = '', second = ''] = one.stdout.split('\n');
    expect(first).toMatch(new RegExp(`^${CLIENT_INSIDE}:\\d+ a$`));
    // The same client keeps its port inside the tunnel.
    expect(second.replace(/ b$/, '')).toBe(first.replace(/ a$/, ''));
    const two = await python(server.clientSpace, ASK, host, port, 'a').finished;
    expect(two.stdout.trim()).not.toBe(first);
    const back = await python(server.serverSpace, ASK, CLIENT_INSIDE, '7', 'a', 'b').finished;
    expect(back.stdout).toMatch(/^127\.0\.0\.1:(\d+) a\n127\.0\.0\.1:\1 b\n$/);
  }, 60_000);

  it('drops and counts a datagram over the MTU', async () => {
    const local = listens[`udp ${SERVICE}:7`]!;
    const [host = '', port = ''] = local.split(':');
    await python(server.clientSpace, ASK, host, port, 'a').finished;
    const send = `import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x'*1393, ('${host}', ${port}))`;
    await python(server.clientSpace, send).finished;
    await until(async () =>
      (await list()).some(({ listen, dropped }) => listen === local && dropped === 1),
    );
  }, 60_000);

  it('ends an association after an ICMP error from inside or from this machine', async () => {
    const added = await forward('add', '--json', '-L', `0:${SERVICE}:9/udp`);
    const [{ listen }] = JSON.parse(added.stdout) as [Listed];
    const [host = '', port = ''] = listen.split(':');
    const send = (to: string, at: string) =>
      `import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('${to}', ${at}))`;
    await python(server.clientSpace, send(host, port)).finished;
    await python(server.serverSpace, send(CLIENT_INSIDE, '10')).finished;
    for (const place of [listen, '10']) {
      const isOver = (one: Listed) =>
        one.listen === place && one.failures === 1 && one.active === 0;
      await until(async () => (await list()).some(isOver));
    }
    await forward('remove', '-L', `${listen}/udp`);
  }, 60_000);

  it('keeps the other direction open after one side has ended', async () => {
    // The target sends its answer only after the client has ended.
    await python(server.serverSpace, COUNT, SERVICE, '99').output(/listening/);
    const added = await forward('add', '--json', '-L', `0:${SERVICE}:99`, '-R', '99:127.0.0.1:98');
    const [{ listen }] = JSON.parse(added.stdout) as [Listed];
    const [host = '', port = ''] = listen.split(':');
    const one = await server.processes.run(
      [...inSpace(server.clientSpace), 'nc', '-N', host, port],
      { input: 'x'.repeat(100_000) },
    );
    expect(one).toMatchObject({ code: 0, stdout: '100000' });
    const local = python(server.clientSpace, COUNT, '127.0.0.1', '98');
    await local.output(/listening/);
    const two = await server.processes.run(
      [...inSpace(server.serverSpace), 'nc', '-N', CLIENT_INSIDE, '99'],
      { input: 'x'.repeat(100_000) },
    );
    expect(two).toMatchObject({ code: 0, stdout: '100000' });
  }, 60_000);

  it('resets the client at once if the target refuses', async () => {
    const reset = (host: string, port: string) => `
import socket
s = socket.socket(); s.settimeout(20)
try:
  s.connect(('${host}', ${port})); print('end' if s.recv(1) == b'' else 'data')
except ConnectionResetError: print('reset')
`;
    const [host = '', port = ''] = listens[`tcp ${SERVICE}:9`]!.split(':');
    expect((await python(server.clientSpace, reset(host, port)).finished).stdout).toBe('reset\n');
    expect((await python(server.serverSpace, reset(CLIENT_INSIDE, '9')).finished).stdout).toBe(
      'reset\n',
    );
    expect(up.stderr).toContain('cannot connect to the target: ');
    expect(up.stderr).toContain('"reason":"refused"');
  }, 60_000);

  it('adds, lists and removes forwards; open connections outlive the removal', async () => {
    const added = await forward('add', '-L', `0:${SERVICE}:2200`, '-R', '2201:2200');
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const [, listen = ''] = /^Forwarding -L (\S+) -> /.exec(added.stdout) ?? [];
    expect(added.stdout).toContain('Forwarding -R 2201 -> 127.0.0.1:2200\n');
    const open = server.processes.start(
      [...inSpace(server.clientSpace), 'nc', '-N', ...listen.split(':')],
      { interactive: true },
    );
    await open.output(/SSH-2.0/);
    expect((await list()).find((one) => one.listen === listen)).toMatchObject({ active: 1 });
    const listed = await forward('list');
    expect(listed.stdout).toContain(`-L ${listen} -> ${SERVICE}:2200: 1 open, 1 total, 0 failed; `);
    const status = await server.arctun('status').finished;
    expect(status.stdout).toContain(`  port forward: -L ${listen} -> ${SERVICE}:2200: 1 open`);
    const removed = await forward('remove', '-L', listen, '-R', '2201');
    expect(removed).toMatchObject({ code: 0, stderr: '' });
    expect((await list()).map((one) => one.listen)).not.toContain(listen);
    // Both ports are closed, but the connection still carries data.
    const refused = await server.processes.run([
      ...inSpace(server.clientSpace),
      'nc',
      ...listen.split(':'),
    ]);
    expect(refused.code).toBe(1);
    expect((await inside('nc', '-w', '5', CLIENT_INSIDE, '2201')).code).toBe(1);
    open.type('SSH-2.0-test\r\nwrong\r\n');
    await until(() => open.stdout.length > 60);
    open.child.stdin!.end();
    await open.finished;
    expect(open.stdout.length).toBeGreaterThan(30);
  }, 60_000);

  it.each([
    [['add', '-R', '8080:9'], 1, 'this port inside the tunnel is in use'],
    [['add', '-L', '0.0.0.0:0:web.test:80'], 2, 'this is not a loopback address'],
    [['add', '-L', '80'], 2, 'cannot use --local-forward=80'],
    [['add'], 2, 'the command does not name a forward'],
    [['remove', '-L', '1'], 2, 'this forward is not open'],
    [['list', '--interface', 'other'], 1, 'no "arctun up" named other is running'],
  ])(
    'explains why it cannot forward %j',
    async (parameters, code, text) => {
      const finished = await forward(...parameters);
      expect(finished).toMatchObject({ code, stdout: '' });
      expect(finished.stderr).toContain(text);
    },
    60_000,
  );

  it('adds no forward if one of them fails', async () => {
    const before = await list();
    const finished = await forward('add', '-L', '0:web.test:80', '-R', '8080:9');
    expect(finished.code).toBe(1);
    expect((await list()).map(({ listen }) => listen)).toEqual(before.map(({ listen }) => listen));
  }, 60_000);

  it('removes the Unix socket at the end', async () => {
    up.kill('SIGINT');
    expect(await up.finished).toMatchObject({ code: 0 });
    expect(existsSync(socket)).toBe(false);
  }, 60_000);
});
