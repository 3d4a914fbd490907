/**
 * Hostile clients of a running `up` without privileges, on this machine and inside the tunnel, with
 * wireguard-go as the server. Both a process and each client need up to 5,100 descriptors.
 */

import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { ARCTUN, REPOSITORY, type TestProcess } from '../support/processes.js';
import { atLength } from '../support/runner/tier.js';
import { describeWith } from '../support/runner/requirements.js';
import {
  CLIENT_INSIDE,
  inSpace,
  SERVICE,
  WireGuardGoServer,
} from '../support/foreign/wireguard-go-server.js';
import { until } from '../support/until.js';

const PEERS = [
  'root',
  'wireguard-go',
  'wg',
  'ip',
  'curl',
  'ethtool',
  'setpriv',
  'python3',
] as const;
const NOBODY = 65_534;
const ATTACKER = `${REPOSITORY}test/support/foreign/hostile-client.py`;
const CONNECTIONS = atLength({ short: 300, long: 3_000 });
const HELD = atLength({ short: 1_200, long: 5_000 });
/** MiB by which the process may grow in the first attacks, because V8 keeps memory that is free. */
const FIRST_GROWTH = 250;
/** MiB by which the same attack may let it grow again. */
const GROWTH = 80;
/** MiB by which the process may have grown when V8 has collected garbage after all attacks. */
const LAST_GROWTH = 60;

const GET = String.raw`GET / HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const UPGRADE = String.raw`GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
const POST = String.raw`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody`;
const SOCKS5 = String.raw`\x05\x01\x00\x05\x01\x00\x01\x64\x7f\x45\x2a\x00\x50${GET}`;
const ASSOCIATE = String.raw`\x05\x01\x00\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00`;
const SOCKS4 = String.raw`\x04\x01\x00\x50\x64\x7f\x45\x2auser\x00${GET}`;
const CONNECT = `${String.raw`CONNECT ${SERVICE}:80 HTTP/1.1\r\nHost: a\r\n\r\n`}${GET}`;
const PROXIED = String.raw`GET http://${SERVICE}/ HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`;
const DNS = String.raw`\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03one\x04test\x00\x00\x01\x00\x01`;
const DIAL = String.raw`{"request":"dial","host":"${SERVICE}","port":80}\n\x01\x00\x00\x04GET `;
const STATUS = String.raw`{"request":"status"}\n`;

interface Places {
  readonly forward: string;
  readonly proxy: string;
  readonly dns: string;
  readonly socket: string;
  readonly status: string;
  readonly local: string;
}

describeWith([...PEERS], 'a running up', () => {
  let server: WireGuardGoServer;
  let home: string;
  let up: TestProcess;
  let places: Places;
  let fresh: { memory: number };

  beforeAll(async () => {
    server = new WireGuardGoServer();
    home = mkdtempSync(join(tmpdir(), 'arctun-hostile-'));
    chownSync(home, NOBODY, NOBODY);
    await server.startWireGuard();
    await server.startHttp();
    const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
    const listen = ['forward', 'proxy', 'dns', 'status'].flatMap((name) => [
      `--${name}-listen`,
      '127.0.0.1:0',
    ]);
    const forwards = ['-L', `0:${SERVICE}:80`, '-R', '8080:127.0.0.1:9'];
    const flags = ['--json', '--log-format', 'json', '--mode', 'userspace', ...listen, ...forwards];
    up = server.processes.start(
      [...inSpace(server.clientSpace), ...user, process.execPath, ARCTUN, 'up', ...flags],
      {
        cwd: home,
        env: {
          ARCTUN_CONFIG: readFileSync(server.configPath, 'utf8'),
          HOME: home,
          RUNTIME_DIRECTORY: join(home, 'run'),
          XDG_STATE_HOME: join(home, 'state'),
        },
      },
    );
    await up.output(/\n\}\n|"socket"[^\n]*\n/);
    const shown = JSON.parse(up.stdout) as Record<string, string> & {
      forwards: { kind: string; listen: string }[];
    };
    places = {
      forward: shown.forward!.replace('http://', ''),
      proxy: shown.proxy!,
      dns: shown.dns!,
      socket: shown.socket!,
      status: (
        await up.output(
          /status pages listening","url":"http:..([^"/]+)|"url":"http:..([^"/]+)","msg":"status/,
          'stderr',
        )
      )
        .slice(1)
        .find(Boolean)!,
      local: shown.forwards.find(({ kind }) => kind === 'local')!.listen,
    };
    fresh = usage();
  }, 60_000);
  afterAll(async () => {
    await server.close();
    rmSync(home, { recursive: true });
  });

  function attack(words: readonly string[], space = server.clientSpace): TestProcess {
    const command = [...inSpace(space), '/usr/bin/python3', ATTACKER, ...words];
    return server.processes.start(command, { interactive: true });
  }

  /** Resolves when another client gets its response from each listener. */
  async function othersAreServed(): Promise<void> {
    const { forward, proxy, local, status } = places;
    const curls = [
      server.curl(`http://${forward}/`),
      server.curl('--socks5', proxy, `http://${SERVICE}/`),
      server.curl('-x', `http://${proxy}`, `http://${SERVICE}/`),
      server.curl(`http://${local}/`),
      server.curl(`http://${status}/healthz`),
    ];
    for (const { code, stderr } of await Promise.all(curls.map(({ finished }) => finished))) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  }

  function usage(): { memory: number; descriptors: number } {
    const pid = up.child.pid!;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const memory = Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 1024;
    return { memory, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  }

  /** The targets of an attack, with messages. */
  const mutations = (): readonly (readonly [string, readonly string[]])[] => [
    [places.forward, [GET, POST, UPGRADE]],
    [places.proxy, [SOCKS5, SOCKS4, ASSOCIATE, CONNECT, PROXIED, UPGRADE]],
    [places.dns, [String.raw`\x00\x1a${DNS}`]],
    [places.socket, [STATUS, DIAL]],
    [places.status, [GET]],
    [places.local, [GET]],
  ];

  it('survives mutated messages of all kinds, and serves others meanwhile', async () => {
    await othersAreServed();
    const attackers = [
      ...mutations().map(([place, messages]) =>
        attack(['mutate', place, String(CONNECTIONS), ...messages]),
      ),
      attack(['udp', places.dns, String(CONNECTIONS * 5), DNS]),
      attack(['mutate', `${CLIENT_INSIDE}:8080`, String(CONNECTIONS), GET], server.serverSpace),
    ];
    await othersAreServed();
    for (const { finished } of attackers) {
      expect(await finished).toMatchObject({ code: 0, stderr: '' });
    }
    await othersAreServed();
    expect(up.running).toBe(true);
  }, 600_000);

  it(`returns the memory and the descriptors of ${HELD} connections to each listener`, async () => {
    await othersAreServed();
    const before = usage();
    for (const [place, [message = '']] of mutations()) {
      const isForward = place === places.local;
      // A forward keeps connections that carry data, because it does not know their protocol.
      const attacker = attack([
        'hold',
        place,
        String(HELD),
        isForward ? '' : /^(?:\\x)?../.exec(message)![0],
      ]);
      await attacker.output(/held/, 'stdout', 300_000);
      await othersAreServed();
      attacker.type('\n');
      expect(await attacker.finished).toMatchObject({ code: 0, stderr: '' });
    }
    await until(() => usage().descriptors <= before.descriptors + 10, {
      what: 'the descriptors are closed',
    });
    expect(usage().memory - before.memory).toBeLessThan(FIRST_GROWTH);
  }, 600_000);

  it('survives clients that ask and do not read, and UDP associations', async () => {
    const before = usage();
    const requests = [
      [places.forward, GET.repeat(200)],
      [places.proxy, PROXIED.repeat(200)],
      [places.socket, STATUS.repeat(200)],
      [places.proxy, ASSOCIATE],
    ] as const;
    const round = async () => {
      for (const [place, text] of requests) {
        const attacker = attack(['hold', place, '100', text]);
        await attacker.output(/held/);
        await othersAreServed();
        attacker.type('\n');
        await attacker.finished;
      }
    };
    // The heap reaches its size in the first rounds; a leak would let it grow in each.
    for (let count = 0; count < 3; count++) await round();
    const settled = usage();
    for (let count = 0; count < 2; count++) await round();
    await until(() => usage().descriptors <= before.descriptors + 10);
    expect(settled.memory - before.memory).toBeLessThan(FIRST_GROWTH);
    expect(usage().memory - settled.memory).toBeLessThan(GROWTH);
  }, 600_000);

  it('returns the memory to the system while idle', async () => {
    await until(() => usage().memory < fresh.memory + LAST_GROWTH, {
      what: `the memory returns to less than ${LAST_GROWTH} MiB above ${fresh.memory} MiB`,
      limit: 120_000,
      turn: () => pause(500),
    });
  }, 130_000);

  it('ends in order afterwards, without a failure in its log', async () => {
    expect(up.stderr).not.toMatch(/unhandled|uncaught|TypeError|RangeError/i);
    up.kill('SIGTERM');
    expect((await up.finished).code).toBe(0);
  }, 60_000);
});
