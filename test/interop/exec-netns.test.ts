/**
 * `exec --netns` as a user without privileges, with wireguard-go and the kernel's TCP as the peer:
 * programs that do not know of any proxy, through a running `up` and without one.
 */
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  ARCTUN,
  REPOSITORY,
  type Finished,
  type TestProcess,
  type TestProcessOptions,
} from '../support/processes.js';
import { describeWith, STATIC_GO } from '../support/runner/requirements.js';
import {
  CLIENT_INSIDE,
  inSpace,
  LISTEN_PORT,
  SERVER_OUTSIDE,
  SERVICE,
  WireGuardGoServer,
} from '../support/foreign/wireguard-go-server.js';
import { atLength, itInRelease } from '../support/runner/tier.js';
import { until } from '../support/until.js';

const NOBODY = 65_534;
const NAME_SERVER = '100.127.0.53';
const SUPPORT = `${REPOSITORY}test/support/foreign/`;
const TOOLS = ['root', 'koffi', 'tun-for-all', 'unshare', 'wireguard-go', 'wg', 'ip'] as const;
const PROGRAMS = [
  'ethtool',
  'setpriv',
  'curl',
  'dig',
  'nc',
  'ping',
  'hey',
  'nft',
  'static-go',
] as const;
/** A word that marks the processes of this test. */
const MARK = `exec-netns-${process.pid}`;

let server: WireGuardGoServer;
/** The user's home, run folder and folder for temporary files. */
let home: string;

/** Starts a program in the client's namespace as a user without privileges. */
function asUser(command: readonly string[], options: TestProcessOptions = {}): TestProcess {
  const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const env = {
    ARCTUN_CONFIG: readFileSync(server.configPath, 'utf8'),
    HOME: home,
    TMPDIR: home,
    RUNTIME_DIRECTORY: join(home, 'run'),
    XDG_STATE_HOME: join(home, 'state'),
    ...options.env,
  };
  const all = [...inSpace(server.clientSpace), ...user, ...command];
  return server.processes.start(all, { cwd: home, ...options, env });
}

const arctun = (...words: readonly string[]) => [process.execPath, ARCTUN, ...words];
const start = (command: readonly string[], options?: TestProcessOptions) =>
  asUser(arctun('exec', '--netns', '--', ...command), options);
const run = (...command: readonly string[]) => start(command).finished;
const sh = (script: string) => run('sh', '-c', script);

function startPeer(script: string, ...parameters: readonly string[]): Promise<unknown> {
  const command = [process.execPath, `${SUPPORT}${script}`, ...parameters];
  const peer = server.processes.start([...inSpace(server.serverSpace), ...command]);
  return peer.output(/listening/);
}

/** The processes whose command line contains the text, except this one. */
function processesWith(text: string): { pid: number; words: string[] }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        return [{ pid: Number(name), words }];
      } catch {
        return [];
      }
    })
    .filter(({ words }) => words.some((word) => word.includes(text)));
}

/** What a command leaves behind: processes, and folders for temporary files. */
function leftovers(): unknown[] {
  const folders = readdirSync(home).filter((name) => name.startsWith('arctun-'));
  return [...processesWith(MARK), ...folders];
}

/** Counts the packets that leave the client's namespace outside the tunnel. */
function countOutside(): void {
  const nft = (rule: string) =>
    execFileSync('ip', [...inSpace(server.clientSpace), 'nft', rule].slice(1));
  nft('add table inet outside');
  nft('add chain inet outside out { type filter hook output priority 0; }');
  nft('add rule inet outside out oifname lo accept');
  nft(`add rule inet outside out ip daddr ${SERVER_OUTSIDE} udp dport ${LISTEN_PORT} accept`);
  // Neighbor discovery of the veth device.
  nft('add rule inet outside out meta l4proto ipv6-icmp accept');
  nft('add rule inet outside out counter');
}

function packetsOutside(): number {
  const list = [...inSpace(server.clientSpace), 'nft', 'list', 'table', 'inet', 'outside'];
  const text = execFileSync(list[0]!, list.slice(1), { encoding: 'utf8' });
  return Number(/packets (\d+)/.exec(text)?.[1]);
}

describeWith([...TOOLS, ...PROGRAMS], 'exec --netns', () => {
  let up: TestProcess | undefined;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    home = mkdtempSync(join(tmpdir(), 'arctun-user-'));
    chownSync(home, NOBODY, NOBODY);
    await server.startWireGuard();
    countOutside();
    const add = ['address', 'add', `${NAME_SERVER}/32`, 'dev', 'lo'];
    execFileSync('ip', ['-n', server.serverSpace, ...add]);
    await server.startHttp();
    await startPeer('dns-peer.js', NAME_SERVER, `one.test=${SERVICE}`);
    await startPeer('udp-echo.js', `${SERVICE}:7`);
  }, 60_000);
  afterAll(async () => {
    await server.close();
    rmSync(home, { recursive: true });
  });

  const OWN = ['with its own tunnel', undefined] as const;
  const SHARED = [
    'with a running up in userspace',
    ['--mode', 'userspace', '--proxy-listen', 'off'],
  ] as const;

  describe.each(
    atLength<readonly (typeof OWN | typeof SHARED)[]>({ short: [OWN], long: [OWN, SHARED] }),
  )('%s', (_title, flags) => {
    beforeAll(async () => {
      if (flags === undefined) return;
      const listen = ['--forward-listen', '127.0.0.1:0', '--log-format', 'json'];
      up = asUser(arctun('up', ...flags, ...listen));
      await up.output(/is up/);
    }, 60_000);
    afterEach(() => {
      expect(leftovers()).toEqual([]);
    });
    afterAll(async () => {
      up?.kill('SIGTERM');
      await up?.finished;
      up = undefined;
    });

    it('runs the program as the same user, without rights and proxies, in its own network', async () => {
      const script =
        'id -u; id -g; echo "<$http_proxy$ALL_PROXY>"; grep CapEff /proc/self/status; ls /sys/class/net; ip -o addr show dev arctun0; cat /etc/resolv.conf';
      const env = { http_proxy: 'http://127.0.0.1:1', ALL_PROXY: 'socks5h://127.0.0.1:1' };
      const { code, stdout, stderr } = await start(['sh', '-c', script], { env }).finished;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`${NOBODY}\n${NOBODY}\n<>\nCapEff:\t0000000000000000\n`);
      expect(stdout).toContain(`inet ${CLIENT_INSIDE}/32`);
      expect(stdout).toMatch(/nameserver 169\.254\.0\.53\n$/);
      expect(readFileSync('/etc/resolv.conf', 'utf8')).not.toContain('169.254.0.53');
    }, 60_000);

    it('runs curl by name and by address', async () => {
      const { code, stdout, stderr } = await sh(
        `curl -sS http://one.test/bytes/3 | wc -c; curl -sS -d hello http://${SERVICE}/`,
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^3\n.*"length":5/);
    }, 60_000);

    itInRelease(
      'runs a static program, which looks up a name and connects without the C library',
      async () => {
        const program = join(home, 'fetch');
        copyFileSync(STATIC_GO, program);
        const { code, stdout, stderr } = await run(program, 'one.test', '/bytes/3000');
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(stdout).toBe(`${SERVICE}\nHTTP/1.1 200 OK\n3000 bytes\n`);
      },
      60_000,
    );

    itInRelease(
      'runs hey, whose sockets do not use the C library',
      async () => {
        const hey = ['hey', '-n', '40', '-c', '4', `http://${SERVICE}/bytes/1000`];
        const { code, stdout } = await run(...hey);
        expect(code).toBe(0);
        expect(stdout).toMatch(/\[200\]\s+40 responses/);
      },
      60_000,
    );

    itInRelease(
      'runs nc over TCP, and passes on the end of each direction',
      async () => {
        const request = 'POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello';
        const nc = start(['nc', '-N', SERVICE, '80'], { input: request });
        const { code, stdout, stderr } = await nc.finished;
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(stdout).toContain('"length":5');
      },
      60_000,
    );

    itInRelease(
      'delivers a datagram of a program that exits immediately',
      async () => {
        const script = `echo hello | nc -u -w 1 ${SERVICE} 7`;
        const { stdout } = await sh(script);
        expect(stdout).toMatch(/^\d+ hello\n/);
      },
      60_000,
    );

    itInRelease(
      'runs dig over UDP and TCP, with the name server in resolv.conf and others',
      async () => {
        const other = `@${NAME_SERVER}`;
        const digs = ['one.test', '+tcp one.test', `${other} one.test`, `${other} +tcp one.test`];
        const script = digs.map((words) => `dig +short ${words}`).join('; ');
        const { stdout } = await sh(script);
        expect(stdout).toBe(`${SERVICE}\n`.repeat(4));
      },
      60_000,
    );

    itInRelease(
      'runs ping, and reports only the replies of the target',
      async () => {
        const { code, stdout } = await sh(
          `ping -c 2 -i 0.2 ${SERVICE}; echo; ping -c 1 -W 1 100.127.99.99`,
        );
        expect(code).toBe(1);
        expect(stdout).toContain(`64 bytes from ${SERVICE}: icmp_seq=2`);
        expect(stdout).toContain('1 packets transmitted, 0 received');
        expect(stdout).not.toContain('from 100.127.99.99: icmp_seq');
      },
      60_000,
    );

    itInRelease.each([
      ['TCP', 'curl -sS http://192.0.2.1/', 'Failed to connect to 192.0.2.1 port 80'],
      ['UDP', 'dig +tries=1 +time=30 @192.0.2.1 one.test', 'host unreachable'],
      ['ping', 'ping -c 1 -W 30 192.0.2.1', 'Destination Host Unreachable'],
      ['IPv6', 'curl -sS http://[2001:db8::1]/', 'Failed to connect to 2001:db8::1 port 80'],
    ])(
      'rejects %s to an address outside the allowed IPs, and sends nothing',
      async (_protocol, command, expected) => {
        const { stdout } = await sh(`${command} 2>&1; true`);
        expect(stdout).toContain(expected);
        expect(packetsOutside()).toBe(0);
      },
      60_000,
    );

    itInRelease(
      'reports a closed port',
      async () => {
        const { code, stderr } = await run('curl', '-sS', '-v', `http://${SERVICE}:81/`);
        expect(code).toBe(7);
        expect(stderr).toContain('Connection refused');
      },
      60_000,
    );

    itInRelease(
      'runs two programs at once',
      async () => {
        // Programs that share a pipe with Node.js fail to write if it is non-blocking.
        const curl = (count: number) => `curl -sS http://${SERVICE}/bytes/${count}000000`;
        const all = await Promise.all(
          [1, 2].map((count) => sh(`${curl(count)} | LC_ALL=C tr -c a a`)),
        );
        expect(all.map(({ code, stdout }) => [code, stdout.length])).toEqual([
          [0, 1_000_000],
          [0, 2_000_000],
        ]);
      },
      60_000,
    );

    itInRelease.each([
      ['exit 7', 7],
      ['kill -KILL $$', 137],
      ['exec /nowhere/program', 127],
    ])(
      'returns the exit code of %s',
      async (script, code) => {
        expect(await sh(script)).toMatchObject({ code });
      },
      60_000,
    );

    itInRelease(
      'passes on signals',
      async () => {
        const script = 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done';
        const exec = start(['sh', '-c', script]);
        await exec.output(/ready/);
        exec.kill('SIGTERM');
        expect((await exec.finished).code).toBe(9);
      },
      60_000,
    );

    itInRelease(
      'ends programs in the background',
      async () => {
        const { code } = await sh(`sh -c ': ${MARK}; sleep 1000; :' & echo started`);
        expect(code).toBe(0);
        expect(leftovers()).toEqual([]);
      },
      60_000,
    );

    it.each(['outside', 'inside'])(
      'leaves nothing behind if the process %s is killed',
      async (side) => {
        const exec = start([
          'sh',
          '-c',
          `: ${MARK}; sh -c ': ${MARK}; sleep 1000; :' & echo ready; wait`,
        ]);
        await exec.output(/ready/);
        const isInside = (words: readonly string[]) => words.includes('exec-inside');
        const found = processesWith(MARK).filter(({ words }) => words.includes(ARCTUN));
        const victim = found.find(({ words }) => isInside(words) === (side === 'inside'));
        const network = readlinkSync(
          `/proc/${found.find(({ words }) => isInside(words))!.pid}/ns/net`,
        );
        process.kill(victim!.pid, 'SIGKILL');
        await exec.finished;
        await until(() => leftovers().length === 0, { what: 'all processes end' });
        expect(network).not.toBe(readlinkSync('/proc/self/ns/net'));
      },
      60_000,
    );
  });

  /** Runs `exec --netns` after a script has changed what the system allows. */
  function restricted(wrapper: readonly string[], script: string): Promise<Finished> {
    const exec = arctun('exec', '--netns', '--', 'echo', 'ran');
    return asUser([...wrapper, 'sh', '-c', `${script}; exec "$@"`, 'sh', ...exec]).finished;
  }

  const OWN_USERS = ['unshare', '--user', '--map-current-user', '--keep-caps', '--mount'];

  itInRelease.each([
    [
      'no user namespaces',
      OWN_USERS,
      'echo 0 > /proc/sys/user/max_user_namespaces',
      6,
      'user.max_user_namespaces is 0',
      'sysctl user.max_user_namespaces=10000',
    ],
    [
      'no /dev/net/tun',
      OWN_USERS,
      'mount -t tmpfs none /dev/net',
      1,
      '/dev/net/tun does not exist',
      'modprobe tun',
    ],
    [
      '/dev/net/tun of another user',
      OWN_USERS,
      'mount -t tmpfs none /dev/net; touch /dev/net/tun; chmod 0 /dev/net/tun; exec setpriv --inh-caps=-all --ambient-caps=-all "$@"',
      6,
      'this user may not open /dev/net/tun',
      'chmod 0666 /dev/net/tun',
    ],
    ['no unshare', ['env'], 'PATH=/nowhere', 1, 'unshare was not found', 'util-linux'],
  ] as const)(
    'names what the system does not allow: %s',
    async (_title, wrapper, script, code, why, next) => {
      const result = await restricted(wrapper, script);
      expect(result).toMatchObject({ code, stdout: '' });
      expect(result.stderr).toContain(`cannot run the program in its own network: ${why}`);
      expect(result.stderr).toContain(next);
    },
    60_000,
  );
});
