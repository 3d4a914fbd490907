/** The real commands against the emulator, as a user types them, right and wrong. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, type Finished, Processes, REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { itInRelease } from '../support/runner/tier.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;

afterAll(() => processes.close());
beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
}, 60_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-e2e-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function arctun(
  parameters: readonly string[],
  options: {
    env?: NodeJS.ProcessEnv;
    input?: string;
    prefix?: readonly string[];
    shell?: boolean;
  } = {},
) {
  const { prefix = [], shell = false, ...rest } = options;
  if (shell) return processes.start(['sh', ...parameters], { cwd: folder, ...rest });
  return processes.start([...prefix, process.execPath, ARCTUN, ...parameters], {
    cwd: folder,
    ...rest,
  });
}

function run(...parameters: Parameters<typeof arctun>): Promise<Finished> {
  return arctun(...parameters).finished;
}

async function bootstrap(): Promise<Record<string, unknown>> {
  const { code, stderr } = await run(['bootstrap', 'authkey'], { env: emulator.env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return readConfig();
}

function readConfig(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as Record<string, unknown>;
}

describe('the path of a message', () => {
  it('leads from the start to the Unified Endpoint with send', async () => {
    const { simId } = await bootstrap();
    expect(statSync(join(folder, 'arc.json')).mode & 0o777).toBe(0o600);
    const sent = await run(['send', '{"temperature":21.5}']);
    expect(sent).toEqual({ code: 0, stdout: '', stderr: 'HTTP 201 Created\n' });
    const messages = await emulator.messages();
    expect(messages.at(-1)).toMatchObject({
      simId,
      method: 'POST',
      path: '/',
      body: '{"temperature":21.5}',
    });
  }, 60_000);

  it('prints the two lines that soratun prints, and refreshes the session the second time', async () => {
    const first = await run(['bootstrap', 'authkey'], { env: emulator.env });
    const { simId } = readConfig();
    const lines = `Virtual subscriber SIM ID: ${String(simId)}\nCreated/updated configuration file: ${join(folder, 'arc.json')}\n`;
    expect(first.stdout).toBe(lines);
    const before = (await emulator.calls()).filter((call) => call.endsWith('/sims')).length;
    const second = await run(['bootstrap', 'authkey'], { env: emulator.env });
    expect(second.stdout).toBe(lines);
    const calls = await emulator.calls();
    expect(calls.filter((call) => call.endsWith('/sims'))).toHaveLength(before);
    expect(
      calls.filter((call) => call.endsWith(`/sims/${String(simId)}/sessions/arc`)),
    ).toHaveLength(1);
  }, 60_000);

  itInRelease(
    'starts from a file or standard input, with the configuration from the environment',
    async () => {
      await bootstrap();
      writeFileSync(join(folder, 'message'), 'from a file');
      await run(['send', '--file', 'message', '--path', '/a?b=c']);
      const config = readFileSync(join(folder, 'arc.json')).toString('base64');
      rmSync(join(folder, 'arc.json'));
      const piped = await run(['send', '--json'], {
        input: 'from stdin',
        env: { ARCTUN_CONFIG: config },
      });
      expect(JSON.parse(piped.stdout)).toMatchObject({ status: 201, body: '' });
      const messages = await emulator.messages();
      expect(messages.slice(-2)).toMatchObject([
        { path: '/a?b=c', body: 'from a file' },
        { path: '/', body: 'from stdin' },
      ]);
    },
    60_000,
  );

  it('leads through up until it is stopped', async () => {
    await bootstrap();
    const up = arctun(['up', '--json', '--forward-listen', '127.0.0.1:0', '-H', 'X-Device: a:b']);
    const [, url] = await up.output(/"forward":"([^"]+)"/);
    const answer = await fetch(`${url}/path?query=1`, { method: 'PUT', body: 'hello' });
    expect([answer.status, await answer.text()]).toEqual([201, '']);
    expect((await emulator.messages()).at(-1)).toMatchObject({
      method: 'PUT',
      path: '/path?query=1',
      body: 'hello',
    });
    up.kill('SIGTERM');
    expect((await up.finished).code).toBe(0);
  }, 60_000);
});

describe('a signal', () => {
  itInRelease.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'stops send with %s: exit code %d',
    async (signal, exit) => {
      await bootstrap();
      const arcJson = readConfig();
      const session = { ...(arcJson.arcSessionStatus as object), arcServerEndpoint: '127.0.0.1:9' };
      const silent = { ...arcJson, arcSessionStatus: session };
      writeFileSync(join(folder, 'arc.json'), JSON.stringify(silent));
      const send = arctun(['send', 'x', '--wait', '60', '--log-level', 'debug']);
      await send.output(/handshake started/, 'stderr');
      send.kill(signal);
      const { code, stderr } = await send.finished;
      expect(stderr).toContain(`Error: stopped by ${signal}`);
      expect(code).toBe(exit);
    },
    60_000,
  );
});

describe('wrong input', () => {
  const session = () => readConfig().arcSessionStatus as Record<string, unknown>;
  const change = (part: Record<string, unknown>) =>
    writeFileSync(join(folder, 'arc.json'), JSON.stringify({ ...readConfig(), ...part }));

  itInRelease.each([
    ['no arc.json', undefined, /cannot read .*arc\.json/],
    ['broken JSON', '{"privateKey": ', /arc\.json.*line 1|arc\.json:1/],
    [
      'a key of 31 bytes',
      `{\n  "privateKey": "${Buffer.alloc(31, 1).toString('base64')}"\n}`,
      /line 2[\s\S]*privateKey|privateKey[\s\S]*line 2|:2/,
    ],
  ])(
    'exits with 3 for %s',
    async (_name, text, sentence) => {
      if (text !== undefined) writeFileSync(join(folder, 'arc.json'), text);
      const { code, stderr, stdout } = await run(['up', '--forward-listen', '127.0.0.1:0']);
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
      expect(stderr).toMatch(sentence);
    },
    30_000,
  );

  it('exits with 5 for a wrong server key', async () => {
    await bootstrap();
    change({
      arcSessionStatus: {
        ...session(),
        arcServerPeerPublicKey: 'L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=',
      },
    });
    const { code, stderr } = await run(['send', 'x', '--wait', '1']);
    expect(code).toBe(5);
    expect(stderr).toContain('no handshake with the Arc server');
  }, 30_000);

  it('exits with 1 for a port in use', async () => {
    await bootstrap();
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await run(['up', '--port', String(port)]);
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toContain(String(port));
  }, 30_000);

  itInRelease(
    'sends a message in userspace, also if up has another mode',
    async () => {
      await bootstrap();
      const { code } = await run(['send', 'hello'], { env: { ARCTUN_MODE: 'tun' } });
      expect(code).toBe(0);
    },
    30_000,
  );

  it('exits with 2 for a listener on a non-loopback address', async () => {
    const { code, stderr } = await run(['up', '--address', '0.0.0.0']);
    expect(code).toBe(2);
    expect(stderr).toContain('--allow-open');
  }, 30_000);

  itInRelease.each([
    [['up', '--no-such-flag']],
    [['up', '--log-level', 'loud']],
    [['up', 'extra']],
    [['nosuchcommand']],
    [['send', 'x', '--method', 'BAD METHOD']],
    [['send', 'x', '--path', 'nope']],
    [['bootstrap', 'authkey', '--coverage-type', 'xx', '--auth-key-id', 'keyId-x']],
  ])(
    'exits with 2 for wrong usage %j',
    async (parameters) => {
      await bootstrap();
      const { code, stderr } = await run(parameters);
      expect(stderr).not.toMatch(/^ +at /m);
      expect(code).toBe(2);
    },
    30_000,
  );

  itInRelease.each(['version', 'status'])(
    'exits with 1, and explains why, for a full disk at standard output: %s',
    async (command) => {
      const line = `'${process.execPath}' '${ARCTUN}' ${command}`;
      const { code, stderr } = await run(['-c', `${line} > /dev/full`], { shell: true });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^Error: cannot write to standard output: ENOSPC/);
      expect(await run(['-c', `${line} | true`], { shell: true })).toMatchObject({ stderr: '' });
    },
    30_000,
  );

  itInRelease(
    'exits with 1 if the response does not fit on the disk, and says that it was sent',
    async () => {
      await bootstrap();
      const send = `'${process.execPath}' '${ARCTUN}' send --json x`;
      const { code, stderr } = await run(['-c', `${send} > /dev/full`], { shell: true });
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^Error: cannot write to standard output: ENOSPC.*\n {2}The message was sent, and the response was HTTP 201\./,
      );
      expect(await run(['-c', `${send} | true`], { shell: true })).toMatchObject({ stderr: '' });
    },
    60_000,
  );

  itInRelease(
    'exits with 3 for a skeleton',
    async () => {
      await run(['-c', `'${process.execPath}' '${ARCTUN}' config init > arc.json`], {
        shell: true,
      });
      const { code, stderr } = await run(['config', 'validate']);
      expect(code).toBe(3);
      expect(stderr).toContain('arcServerPeerPublicKey');
    },
    30_000,
  );

  it('exits with 2 for missing credentials, and lists what is missing', async () => {
    const { code, stderr } = await run(['bootstrap', 'authkey']);
    expect(code).toBe(2);
    for (const name of ['--auth-key-id', 'ARCTUN_AUTH_KEY_ID', '--auth-key', 'ARCTUN_AUTH_KEY']) {
      expect(stderr).toContain(name);
    }
  }, 30_000);

  itInRelease(
    'exits with 4 for an auth key that is refused',
    async () => {
      const env = { ...emulator.env, ARCTUN_AUTH_KEY: 'secret-wrong' };
      const { code, stderr } = await run(['bootstrap', 'authkey'], { env });
      expect(code).toBe(4);
      expect(stderr).toMatch(/401/);
      expect(stderr).not.toContain('secret-wrong');
      expect(existsSync(join(folder, 'arc.json'))).toBe(false);
    },
    30_000,
  );

  it('exits with 3 for a broken arc.json, and bootstrap creates nothing', async () => {
    writeFileSync(join(folder, 'arc.json'), '{"privateKey": ');
    const before = await emulator.calls();
    const { code } = await run(['bootstrap', 'authkey'], { env: emulator.env });
    expect(code).toBe(3);
    expect(await emulator.calls()).toEqual(before);
    expect(readFileSync(join(folder, 'arc.json'), 'utf8')).toBe('{"privateKey": ');
  }, 30_000);

  itInRelease(
    'exits with 3 for a missing target folder, before any call',
    async () => {
      const before = await emulator.calls();
      const { code } = await run(['bootstrap', 'authkey', '--config', 'missing/arc.json'], {
        env: emulator.env,
      });
      expect(code).toBe(3);
      expect(await emulator.calls()).toEqual(before);
    },
    30_000,
  );
});

describeWith(['root', 'setpriv'], 'a target that may not be written', () => {
  itInRelease(
    'exits with 6 before any call on a read-only mount',
    async () => {
      const mount = join(folder, 'mount');
      mkdirSync(mount);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=64k', 'tmpfs', mount]);
      try {
        const before = await emulator.calls();
        const { code, stderr } = await run(
          ['bootstrap', 'authkey', '--config', join(mount, 'arc.json')],
          { env: emulator.env },
        );
        expect(code).toBe(6);
        expect(stderr).toContain(mount);
        expect(await emulator.calls()).toEqual(before);
      } finally {
        execFileSync('umount', [mount]);
      }
    },
    30_000,
  );

  it.each([
    ['a folder that is not ours', 0o755],
    ['a file that is not ours in a folder for all', 0o1777],
  ])(
    'exits with 6 before any call in %s',
    async (_name, mode) => {
      chmodSync(folder, mode);
      if (mode === 0o1777) {
        await bootstrap();
        chmodSync(join(folder, 'arc.json'), 0o644);
      }
      const before = await emulator.calls();
      const { code } = await run(['bootstrap', 'authkey'], {
        env: emulator.env,
        prefix: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
      });
      expect(code).toBe(6);
      expect(await emulator.calls()).toEqual(before);
    },
    30_000,
  );
});

describe('the demo', () => {
  const demo = (...parameters: string[]) =>
    processes.run([process.execPath, `${REPOSITORY}tools/demo.js`, ...parameters], {
      env: { TMPDIR: folder },
    });

  itInRelease(
    'delivers',
    async () => {
      const { code, stdout } = await demo();
      expect(stdout).toMatch(
        /SIM ID: \d{19}[\s\S]*handshake complete[\s\S]*201 Created[\s\S]*HTTP 201 Created[\s\S]*Delivered/,
      );
      expect(code).toBe(0);
    },
    60_000,
  );

  itInRelease(
    'ends with 5 if the emulator is killed before send',
    async () => {
      const { code } = await demo('--kill-emulator');
      expect(code).toBe(5);
    },
    60_000,
  );
});
