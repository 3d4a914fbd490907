/** A running `up`, and the clients that query its status. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, type Finished, Processes, type TestProcess } from '../support/processes.js';
import { itInRelease } from '../support/runner/tier.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
let up: TestProcess;

afterAll(() => processes.close());
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-up-status-'));
  emulator = await startEmulatorProcess(processes);
  const { code } = await arctun('bootstrap', 'authkey');
  expect(code).toBe(0);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const run = () => join(folder, 'run');
const options = () => ({ cwd: folder, env: { ...emulator.env, RUNTIME_DIRECTORY: run() } });
const command = (...parameters: string[]) => [process.execPath, ARCTUN, ...parameters];

function arctun(...parameters: string[]): Promise<Finished> {
  return processes.run(command(...parameters), options());
}

function start(...parameters: string[]): TestProcess {
  const listen = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
  return processes.start(command('up', ...listen, ...parameters), options());
}

it('is shown by status and health, and on its pages, until it ends', async () => {
  up = start('--status-listen', '127.0.0.1:0', '--log-level', 'info', '--json');
  const [, forward] = await up.output(/"forward":"([^"]+)"/);
  const [, url] = await up.output(/status pages listening url=(\S+)/, 'stderr');
  const { code, stdout } = await arctun('status', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject([
    { health: 'up', mode: 'userspace', pid: up.child.pid, listeners: { forward, status: url } },
  ]);
  const name = (JSON.parse(stdout) as [{ name: string }])[0].name;
  expect(JSON.parse(up.stdout)).toMatchObject({
    simId: expect.stringMatching(/^\d{19}$/) as string,
    socket: `${run()}/${name}.sock`,
    status: url,
  });
  expect(await arctun('health')).toMatchObject({ code: 0, stdout: `${name}: up\n` });
  const full = await processes.run(
    ['sh', '-c', `${command('health').join(' ')} > /dev/full`],
    options(),
  );
  expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOSPC') as string });
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  await fetch(forward!, { method: 'POST', body: '{}' });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain('arctun_proxy_requests_total{listener="forward"} 1\n');
  up.kill('SIGTERM');
  expect((await up.finished).code).toBe(0);
  expect(readdirSync(run())).toEqual([]);
  expect(await arctun('health')).toMatchObject({ code: 1 });
}, 60_000);

itInRelease(
  'prints the URL of the status page',
  async () => {
    up = start('--status-listen', '127.0.0.1:0');
    const [, url] = await up.output(/^Status page on (\S+)$/m);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    up.kill('SIGTERM');
    expect((await up.finished).code).toBe(0);
  },
  60_000,
);

itInRelease(
  'prints nothing with --quiet',
  async () => {
    up = start('--quiet', '--mode', 'auto');
    while ((await arctun('health')).code !== 0)
      await new Promise((resolve) => setTimeout(resolve, 50));
    up.kill('SIGTERM');
    expect(await up.finished).toMatchObject({ code: 0, stdout: '', stderr: '' });
  },
  60_000,
);

it('leaves a socket after a kill, which is not reported as a tunnel', async () => {
  up = start();
  await up.output(/is up/);
  up.kill('SIGKILL');
  await up.finished;
  expect(readdirSync(run())).toHaveLength(1);
  expect(await arctun('status')).toEqual({
    code: 1,
    stdout: 'no SORACOM Arc device found\n',
    stderr: '',
  });
}, 60_000);

itInRelease(
  'has the state "connecting" without an answer from its server',
  async () => {
    up = start('--wait', '0');
    await up.output(/is up/);
    emulator.process.kill('SIGSTOP');
    const waiting = start('--wait', '0', '--force');
    try {
      // Its own socket is the second of that name.
      let last: Finished | undefined;
      for (let attempt = 0; attempt < 50 && last?.code !== 5; attempt++) {
        last = await arctun('status');
      }
      expect(last?.code).toBe(5);
      expect(last?.stdout).toContain('health: connecting: ');
    } finally {
      emulator.process.kill('SIGCONT');
      waiting.kill('SIGKILL');
      up.kill('SIGKILL');
    }
  },
  60_000,
);
