/** Several users of one SIM on this machine. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, type Finished, Processes, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { until } from '../support/until.js';

const NOBODY = 65_534;
const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
let up: TestProcess;

afterAll(() => processes.close());
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-one-sim-'));
  emulator = await startEmulatorProcess(processes);
  expect(await run('bootstrap', 'authkey')).toMatchObject({ code: 0 });
  cpSync(join(folder, 'arc.json'), join(folder, 'copy.json'));
  up = startUp();
  await up.output(/is up/);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const options = () => ({
  cwd: folder,
  env: { ...emulator.env, RUNTIME_DIRECTORY: join(folder, 'run') },
});

function start(...parameters: string[]): TestProcess {
  return processes.start([process.execPath, ARCTUN, ...parameters], options());
}

function startUp(...parameters: string[]): TestProcess {
  const listen = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', 'off'];
  return start('up', '--mode', 'userspace', ...listen, ...parameters);
}

function run(...parameters: string[]): Promise<Finished> {
  return start(...parameters).finished;
}

const uses = () => `arctun up (pid ${up.child.pid}) is already using this SIM`;

it('refuses a second up with a copy of the file', async () => {
  const { code, stderr } = await startUp('--config', 'copy.json').finished;
  expect(code).toBe(5);
  expect(stderr).toContain(
    `Error: cannot open the tunnel: ${uses()}\n  Send requests to http://127.0.0.1:`,
  );
}, 60_000);

it('sends through the running up', async () => {
  const { code, stderr } = await run('send', 'x', '--log-level', 'debug');
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^\S+ DEBUG using the tunnel of a running command holder="arctun up \(pid \d+\)" mode=userspace\nHTTP 201 Created\n$/,
  );
}, 60_000);

it('runs a program through a port with a password if the running up has no proxy', async () => {
  const { code, stdout } = await run('exec', '--', 'env');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^http_proxy=http:\/\/arctun:[0-9a-f]{32}@127\.0\.0\.1:\d+$/m);
  expect(stdout).toMatch(/^ARCTUN_FORWARD_URL=http:\/\/127\.0\.0\.1:\d+$/m);
}, 60_000);

it('sends with --force, and warns', async () => {
  const { code, stderr } = await run('send', 'x', '--force');
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(
      /^\S+ WARN +the two tunnels that use this SIM will keep disconnecting each other reason="arctun up \(pid \d+\) is using this SIM"\nHTTP 201 Created\n$/,
    ) as string,
  });
}, 60_000);

describeWith(['root'], 'for another user', () => {
  it('refuses send while root’s up uses the SIM', async () => {
    const env = {
      ...emulator.env,
      ARCTUN_CONFIG: readFileSync(join(folder, 'arc.json'), 'utf8'),
      HOME: '/nonexistent',
    };
    const command = [process.execPath, ARCTUN, 'send', 'x'];
    const { code, stderr } = await processes.run(command, { cwd: '/', env, uid: NOBODY });
    expect(code).toBe(5);
    expect(stderr).toContain(`Error: cannot send: ${uses()}\n`);
  }, 60_000);
});

it('starts after a kill, as does one of two that start at the same moment', async () => {
  up.kill('SIGKILL');
  await up.finished;
  const both = [startUp(), startUp('--config', 'copy.json')];
  const first = await Promise.race(both.map((process) => process.finished));
  expect(first.code).toBe(5);
  const [running, ...others] = both.filter((process) => process.running);
  expect(others).toEqual([]);
  await running!.output(/is up/);
  expect(first.stderr).toContain(`(pid ${running!.child.pid}) is already using this SIM`);
  running!.kill('SIGTERM');
  expect((await running!.finished).code).toBe(0);
}, 60_000);

it('sends in a tunnel of its own after the running up has stopped', async () => {
  const free = join(folder, 'free');
  const config = JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as object;
  const wait = 'touch "$1"; while [ ! -e "$2" ]; do sleep 0.05; done';
  const postDown = [['sh', '-c', wait, 'sh', join(folder, 'closed'), free]];
  writeFileSync(join(folder, 'hook.json'), JSON.stringify({ ...config, postDown }), {
    mode: 0o600,
  });
  const stopping = startUp('--config', 'hook.json');
  await stopping.output(/is up/);
  stopping.kill('SIGTERM');
  // The control socket is closed in postDown, but the SIM is not free yet.
  await until(() => existsSync(join(folder, 'closed')));
  const sending = start('send', 'x', '--log-level', 'info');
  await sending.output(/waiting until the SIM is free/, 'stderr');
  writeFileSync(free, '');
  const { code, stderr } = await sending.finished;
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(
      /^\S+ INFO {2}waiting until the SIM is free reason="arctun up \(pid \d+\) is stopping"\n[^]*\nHTTP 201 Created\n$/,
    ) as string,
  });
  expect((await stopping.finished).code).toBe(0);
}, 60_000);

describeWith(['curl'], 'exec', () => {
  it('runs a program in a tunnel of its own if no up is running', async () => {
    const script = 'curl -sS -o /dev/null -w %{http_code} -d x http://100.127.69.42/; exit 3';
    const exec = await run('exec', '--', 'sh', '-c', script);
    expect(exec).toEqual({ code: 3, stdout: '201', stderr: '' });
    expect(await run('exec', '--', 'no-such-program')).toMatchObject({
      code: 127,
      stdout: '',
      stderr: expect.stringContaining(
        'Error: cannot run no-such-program: the program was not found',
      ) as string,
    });
  }, 60_000);
});

it('connects in a tunnel of its own if no up is running', async () => {
  const request = 'POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx';
  const command = [process.execPath, ARCTUN, 'connect', '100.127.69.42', '80'];
  const connect = processes.start(command, { ...options(), interactive: true });
  connect.child.stdin!.write(request);
  await connect.output(/201 Created/);
  connect.child.stdin!.end();
  expect(await connect.finished).toMatchObject({ code: 0, stderr: '' });
  expect((await run('connect', '100.127.69.42:81')).code).toBe(5);
}, 60_000);

it('sends in turn if scripts send in parallel', async () => {
  const sent = await Promise.all(['a', 'b', 'c'].map((text) => run('send', text)));
  expect(sent.map(({ code }) => code)).toEqual([0, 0, 0]);
}, 60_000);
