/** Both processes of `exec --netns` in one process, with fakes instead of namespaces. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { AccessOptions } from '../../../src/app/access/access.js';
import { execIsolated, type ExecIsolatedPorts } from '../../../src/app/access/exec-isolated.js';
import { runInside, type RunInsidePorts } from '../../../src/app/access/run-inside.js';
import { simUseLine } from '../../../src/app/up/sim-use.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { CommandError } from '../../../src/ports/command-runner.js';
import type { InsideIsolation, Isolation } from '../../../src/ports/isolation.js';
import type { PacketInterface } from '../../../src/ports/packet-interfaces.js';
import { localListeners } from '../../../src/system/network/local-listener.js';
import { localStreams } from '../../../src/system/network/local-stream.js';
import { systemClock } from '../../../src/system/clock.js';
import type { TunnelConfig } from '../../../src/tunnel/tunnel-config.js';
import { FakeClaims } from '../../support/fakes/fake-claims.js';
import { fakeShares } from '../../support/fakes/fake-shares.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { silentLog } from '../../support/fakes/silent-log.js';
import { REPORT } from '../../support/fakes/status-report.js';
import { TunnelInMemory } from '../../support/pairs/tunnel-in-memory.js';

const UP = '/run/user/1000/arctun/soratun0.sock';
const PRIVATE_KEY = new Uint8Array(32).fill(3);
const crypto = createNodeCrypto();
const OPTIONS: Omit<AccessOptions, 'command'> & { log: { level: 'warn'; format: 'text' } } = {
  config: {
    privateKey: new Secret(PRIVATE_KEY),
    addresses: [Uint8Array.of(10, 77, 0, 2)],
    mtu: 1_420,
    nameServers: ['100.127.0.53'],
    fallbackHosts: new Map([['uni.soracom.io', ['100.127.69.42']]]),
  } as unknown as TunnelConfig,
  force: false,
  pid: 4711,
  wait: 0,
  log: { level: 'warn', format: 'text' },
};

let folder: string;
let log: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-isolated-'));
  log = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const device: PacketInterface = {
  name: 'arctun0',
  setReading: () => undefined,
  onFrames: () => undefined,
  onGone: () => undefined,
  write: () => undefined,
  close: () => log.push('device closed'),
};

const isolation: Isolation = {
  obstacle: () => Promise.resolve(undefined),
  network: () => Promise.resolve('net:[1]'),
  makeFolder: () => Promise.resolve(folder),
  removeFolder: (path) => {
    log.push('folder removed');
    rmSync(path, { recursive: true, force: true });
    return Promise.resolve();
  },
  commandFor: (socket, program) => [socket, ...program],
  holdNetwork: async (network) => {
    await new Promise(setImmediate);
    log.push(`held ${network}`);
    const endPrograms = () => {
      log.push(`ended ${network}`);
      return Promise.resolve();
    };
    return { endPrograms };
  },
};

const inside: InsideIsolation = {
  ...isolation,
  network: () => Promise.resolve('net:[2]'),
  endPrograms: (network) => {
    log.push(`ended ${network} inside`);
    return Promise.resolve();
  },
  openNetwork: ({ addresses, mtu }) => {
    log.push(`network ${addresses.join(' ')} ${mtu}`);
    return Promise.resolve(device);
  },
  setNameServer: (address) => {
    log.push(`name server ${address}`);
    return Promise.resolve(true);
  },
  dropRights: () => {
    log.push('rights dropped');
    return Promise.resolve();
  },
};

type Run = ExecIsolatedPorts['programs']['run'];

function insidePorts(run: Run, changes: Partial<InsideIsolation> = {}): RunInsidePorts {
  return {
    inside: { ...inside, ...changes },
    localStreams,
    programs: { run },
    clock: systemClock,
    entropy: seededEntropy(1),
    createLog: ({ level }) => {
      log.push(`log ${level}`);
      return silentLog;
    },
  };
}

/** Runs the outer process with a running `up`; `run` is what happens inside. */
function exec(run: Run, changes: Partial<Isolation> = {}): Promise<number> {
  const world = new TunnelInMemory(crypto);
  const claims = new FakeClaims();
  const shares = fakeShares();
  const up = { command: 'up', pid: 1234, forward: 'http://127.0.0.1:8888' } as const;
  const name = Buffer.from(crypto.publicKey(PRIVATE_KEY)).toString('hex');
  claims.holders.set(name, () => simUseLine({ ...up, socket: UP }));
  shares.connections.sockets.set(UP, `${JSON.stringify({ status: REPORT })}\n`);
  const ports: ExecIsolatedPorts = {
    ...world.ports,
    claims,
    ...shares,
    programs: { run },
    isolation: { ...isolation, ...changes },
    listeners: localListeners,
  };
  return execIsolated(['program', 'word'], OPTIONS, ports);
}

it('runs the program inside, and cleans up on both sides', async () => {
  const code = await exec(([socket, ...program]) => {
    log.push(`command ${program.join(' ')}`);
    return runInside(
      socket!,
      program,
      insidePorts((command) => {
        log.push(`program ${command.join(' ')}`);
        return Promise.resolve(7);
      }),
    );
  });
  expect(code).toBe(7);
  expect(log).toEqual([
    'command program word',
    'held net:[2]',
    'log warn',
    'network 10.77.0.2 1420',
    'name server 169.254.0.53',
    'rights dropped',
    'program program word',
    'ended net:[2] inside',
    'device closed',
    'folder removed',
    'ended net:[2]',
    'folder removed',
  ]);
});

it('removes the proxy variables', async () => {
  let environment: Readonly<Record<string, string | undefined>> = {};
  await exec((_command, variables) => {
    environment = variables;
    return Promise.resolve(0);
  });
  expect(Object.keys(environment)).toEqual(
    expect.arrayContaining(['http_proxy', 'ALL_PROXY', 'NO_PROXY', 'ARCTUN_FORWARD_URL']),
  );
  expect(new Set(Object.values(environment))).toEqual(new Set([undefined]));
});

it('fails before it opens a tunnel if the system does not allow namespaces', async () => {
  const run = () => Promise.reject(new Error('the program must not run'));
  const obstacle = { kind: 'no-tun' } as const;
  await expect(exec(run, { obstacle: () => Promise.resolve(obstacle) })).rejects.toMatchObject({
    kind: 'failed',
    why: '/dev/net/tun does not exist',
  });
  expect(readdirSync(folder)).toEqual([]);
});

it('refuses to run outside of new namespaces, where it would kill other programs', async () => {
  const outer = { network: () => Promise.resolve('net:[1]') };
  const run = () => Promise.resolve(0);
  await exec(async ([socket, ...program]) => {
    const failed = runInside(socket!, program, insidePorts(run, outer));
    await expect(failed).rejects.toMatchObject({ kind: 'usage' });
    return 0;
  });
  expect(log).toEqual(['folder removed']);
});

it('ends the program if the process outside ends', async () => {
  let running: Promise<number> | undefined;
  await exec(([socket, ...program]) => {
    let started = (): void => undefined;
    const isRunning = new Promise<number>((resolve) => (started = () => resolve(0)));
    running = runInside(
      socket!,
      program,
      insidePorts(() => {
        started();
        return new Promise(() => undefined);
      }),
    );
    return isRunning;
  });
  expect(await running).toBe(137);
  expect(log).toContain('ended net:[2] inside');
});

it.each([
  ['not-found', 127],
  ['denied', 126],
] as const)('reports a program that cannot be started: %s', async (failure, exitCode) => {
  await exec(async ([socket, ...program]) => {
    const run = () => Promise.reject(new CommandError(failure, 'program: not possible'));
    await expect(runInside(socket!, program, insidePorts(run))).rejects.toMatchObject({ exitCode });
    return 0;
  });
  expect(log).toContain('device closed');
});

it('reports a step that the system refuses, and closes the device', async () => {
  await exec(async ([socket, ...program]) => {
    const error = Object.assign(new Error('mount /etc/resolv.conf: EPERM'), { code: 'EPERM' });
    const failing = { setNameServer: () => Promise.reject(error) };
    const ports = insidePorts(() => Promise.resolve(0), failing);
    const failed = runInside(socket!, program, ports);
    await expect(failed).rejects.toMatchObject({ kind: 'permission' });
    return 0;
  });
  expect(log).toContain('device closed');
});
