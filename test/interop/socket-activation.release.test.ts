/** `up` with sockets that systemd's own starter has opened. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { freePort } from '../support/foreign/lambda-lab.js';
import { ARCTUN, type Finished, Processes, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const run = promisify(execFile);
const ENDPOINT = 'http://uni.soracom.io/';

interface Activation {
  /** The addresses, each with a name. */
  readonly listen: readonly (readonly [address: string, name: string])[];
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly starterFlags?: readonly string[];
}

describeWith(['linux', 'systemd-socket-activate', 'curl'], 'socket activation', () => {
  const processes = new Processes();
  let emulator: EmulatorProcess;
  let folder: string;
  let running: TestProcess | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-activation-'));
    emulator = await startEmulatorProcess(processes);
    const bootstrap = [process.execPath, ARCTUN, 'bootstrap', 'authkey'];
    const { code } = await processes.run(bootstrap, { cwd: folder, env: emulator.env });
    expect(code).toBe(0);
    const config = JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as object;
    const inspect = 'env > environment; ls -l /proc/self/fd > descriptors';
    const hooked = { ...config, postUp: [['sh', '-c', inspect]] };
    writeFileSync(join(folder, 'arc.json'), JSON.stringify(hooked));
  }, 120_000);
  afterAll(async () => {
    await processes.close();
    rmSync(folder, { recursive: true });
  });

  afterEach(async () => {
    running?.kill();
    await running?.finished;
  });

  /** Starts the starter, which replaces itself by `up` at the first connection. */
  async function activate({ listen, flags = [], env = {}, ...more }: Activation) {
    const variables = { RUNTIME_DIRECTORY: join(folder, 'run'), XDG_STATE_HOME: folder, ...env };
    const started = processes.start(
      [
        ...['systemd-socket-activate', ...(more.starterFlags ?? [])],
        ...listen.map(([address]) => `--listen=${address}`),
        ...[`--fdname=${listen.map(([, name]) => name).join(':')}`],
        ...Object.entries(variables).map(([name, value]) => `--setenv=${name}=${value}`),
        ...[process.execPath, ARCTUN, 'up', '--json', ...flags],
      ],
      { cwd: folder },
    );
    running = started;
    await started.output(new RegExp(`(Listening on .*\\s+){${listen.length}}`), 'stderr');
    return started;
  }

  const curl = async (...parameters: readonly string[]) => {
    const { stdout } = await run('curl', ['-sS', '-m', '60', '-w', '%{http_code}', ...parameters]);
    return stdout.slice(-3);
  };

  async function stop(started: TestProcess): Promise<Finished> {
    started.kill();
    return started.finished;
  }

  it('serves the forwarder and the proxy on IPv4, IPv6 and Unix sockets', async () => {
    const [first, second, third] = [await freePort(), await freePort(), await freePort()];
    const path = join(folder, 'forward.sock');
    const started = await activate({
      listen: [
        [`127.0.0.1:${first}`, 'forward'],
        [`[::1]:${second}`, 'forward'],
        [path, 'forward'],
        [`127.0.0.1:${third}`, 'proxy'],
      ],
      // The socket replaces the flag.
      flags: ['--forward-listen', '127.0.0.1:1'],
    });
    expect(await curl('-d', 'v4', `http://127.0.0.1:${first}/`)).toBe('201');
    expect(await curl('-d', 'v6', `http://[::1]:${second}/`)).toBe('201');
    expect(await curl('-d', 'unix', '--unix-socket', path, 'http://localhost/')).toBe('201');
    const socks = ['--proxy', `socks5h://127.0.0.1:${third}`];
    expect(await curl('-d', 'socks', ...socks, ENDPOINT)).toBe('201');
    expect(await curl('-d', 'proxy', '--proxy', `http://127.0.0.1:${third}`, ENDPOINT)).toBe('201');
    const payloads = (await emulator.messages()).map(({ payload }) => payload);
    expect(payloads).toHaveLength(5);
    const [line] = await started.output(/^\{.*\}$/m);
    expect(JSON.parse(line)).toMatchObject({
      mode: 'userspace',
      forward: `http://127.0.0.1:${first}`,
      proxy: `127.0.0.1:${third}`,
    });
    const page = ['-H', 'Host: rebound.example', '-d', 'x', `http://127.0.0.1:${first}/`];
    expect(await curl(...page)).toBe('421');
    expect(await curl('-H', 'Origin: http://page.example', ...page.slice(2))).toBe('403');
    expect(await emulator.messages()).toHaveLength(5);
    expect(await stop(started)).toMatchObject({ code: 0 });
    // Only the service manager, which still listens at the path, may remove it.
    expect(existsSync(path)).toBe(true);
  }, 120_000);

  it('does not pass the sockets and their variables to commands of arc.json', async () => {
    const port = await freePort();
    // Without a flag, mode auto would use a network interface if permitted.
    const started = await activate({ listen: [[`127.0.0.1:${port}`, 'forward']] });
    expect(await curl('-d', 'x', `http://127.0.0.1:${port}/`)).toBe('201');
    await stop(started);
    expect(readFileSync(join(folder, 'environment'), 'utf8')).not.toContain('LISTEN_');
    // Standard error may be a socket.
    expect(readFileSync(join(folder, 'descriptors'), 'utf8')).not.toMatch(
      / ([3-9]|\d\d+) -> socket:/,
    );
  }, 120_000);

  it('requires the password of the proxy', async () => {
    const port = await freePort();
    const started = await activate({
      listen: [[`127.0.0.1:${port}`, 'proxy']],
      flags: ['--forward-listen', '127.0.0.1:0'],
      env: { ARCTUN_PROXY_PASSWORD: 'right' },
    });
    const proxy = ['-d', 'x', '--proxy', `http://127.0.0.1:${port}`, ENDPOINT];
    expect(await curl(...proxy)).toBe('407');
    expect(await curl('--proxy-user', 'arctun:wrong', ...proxy)).toBe('407');
    expect(await curl('--proxy-user', 'arctun:right', ...proxy)).toBe('201');
    await stop(started);
  }, 120_000);

  it.each([
    ['another name', { name: 'http' }, 3, /socket "http" .*FileDescriptorName=forward/s],
    ['Accept=yes', { name: 'c', starterFlags: ['--accept'] }, 3, /FileDescriptorName=/],
    ['an open address', { host: '0.0.0.0' }, 2, /0\.0\.0\.0:\d+ is not a loopback address/],
    ['an open proxy', { host: '0.0.0.0', name: 'proxy' }, 2, /--proxy-password-file/],
    ['tun mode', { flags: ['--mode', 'tun'] }, 2, /--mode=tun/],
    ['no proxy', { name: 'proxy', flags: ['--proxy-listen', 'off'] }, 2, /--proxy-listen=off/],
  ])(
    'refuses %s',
    async (_, how: Partial<Case>, code, message) => {
      const port = await freePort();
      const { host = '127.0.0.1', name = 'forward', ...rest } = how;
      const started = await activate({ listen: [[`${host}:${port}`, name]], ...rest });
      // The connection waits until the sockets are closed.
      await curl(`http://127.0.0.1:${port}/`).catch(() => undefined);
      if (rest.starterFlags !== undefined) {
        await started.output(/Error: .*\n(.*\n)*.*FileDescriptorName=/, 'stderr');
        await stop(started);
        return;
      }
      const { code: actual, stderr } = await started.finished;
      expect({ actual, stderr }).toEqual({
        actual: code,
        stderr: expect.stringMatching(message) as string,
      });
    },
    120_000,
  );

  it('allows an open address with --allow-open, and an open proxy with a password', async () => {
    const [first, second] = [await freePort(), await freePort()];
    const forward = await activate({
      listen: [[`0.0.0.0:${first}`, 'forward']],
      flags: ['--allow-open'],
    });
    expect(await curl('-d', 'x', `http://127.0.0.1:${first}/`)).toBe('201');
    expect((await stop(forward)).stderr).toContain(`anyone who can reach 0.0.0.0:${first}`);
    const proxy = await activate({
      listen: [[`0.0.0.0:${second}`, 'proxy']],
      flags: ['--forward-listen', '127.0.0.1:0'],
      env: { ARCTUN_PROXY_PASSWORD: 'right' },
    });
    const through = ['--proxy', `http://arctun:right@127.0.0.1:${second}`, ENDPOINT];
    expect(await curl('-d', 'x', ...through)).toBe('201');
    await stop(proxy);
  }, 120_000);
});

interface Case {
  readonly host: string;
  readonly name: string;
  readonly flags: readonly string[];
  readonly starterFlags: readonly string[];
}
