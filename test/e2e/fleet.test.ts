/** `up` with a folder of configurations: several SIMs in one process. */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { usePrivateNetwork } from '../support/foreign/private-network.js';
import { ARCTUN, type Finished, Processes, type TestProcess } from '../support/processes.js';
import { until } from '../support/until.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
let up: TestProcess;
/** The URLs of the forwarder and of the status pages. */
let forwarder: string;
let pages: string;

usePrivateNetwork(processes);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-fleet-'));
  mkdirSync(join(folder, 'sims'));
  emulator = await startEmulatorProcess(processes);
  for (const name of ['a', 'b', 'other']) {
    expect(await run('bootstrap', 'authkey', '--config', `sims/${name}.json`)).toMatchObject({
      code: 0,
    });
  }
  renameSync(join(folder, 'sims/other.json'), join(folder, 'other.json'));
  writeFileSync(join(folder, 'sims/bad.json'), '{');
  const b = join(folder, 'sims/b.json');
  const config = JSON.parse(readFileSync(b, 'utf8')) as object;
  writeFileSync(b, JSON.stringify({ ...config, forwards: { local: ['8080:10.0.0.3:80'] } }));
  const listen = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
  const flags = ['--status-listen', '127.0.0.1:0', '--log-level', 'info', '--json'];
  up = start('up', '--config', 'sims', ...listen, ...flags);
  const [line] = await up.output(/^\{.*\}$/m);
  const report = JSON.parse(line) as { forward: string; status: string; sims: object[] };
  forwarder = report.forward;
  pages = report.status;
  expect(report.sims).toEqual([
    { name: 'a', simId: simIdOf('a'), isUp: true, problem: null },
    { name: 'b', simId: simIdOf('b'), isUp: true, problem: null },
    { name: 'bad', simId: '', isUp: false, problem: expect.stringContaining('bad.json') as string },
  ]);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const options = () => ({
  cwd: folder,
  env: { ...emulator.env, RUNTIME_DIRECTORY: join(folder, 'run') },
});

function run(...parameters: string[]): Promise<Finished> {
  return processes.run([process.execPath, ARCTUN, ...parameters], options());
}

function start(...parameters: string[]): TestProcess {
  return processes.start([process.execPath, ARCTUN, ...parameters], options());
}

function simIdOf(name: string): string {
  const text = readFileSync(join(folder, 'sims', `${name}.json`), 'utf8');
  return (JSON.parse(text) as { simId: string }).simId;
}

async function post(sim: string, body: string): Promise<number> {
  const headers = { 'X-Arctun-Sim': sim };
  return (await fetch(forwarder, { method: 'POST', body, headers })).status;
}

/** The SIM IDs of the messages, by body. */
async function senders(): Promise<Record<string, unknown>> {
  const messages = await emulator.messages();
  return Object.fromEntries(messages.map(({ body, simId }) => [String(body), simId]));
}

const turn = () => pause(100);

it('sends each message under its own SIM, by name and by SIM ID', async () => {
  expect(await post('a', 'from-a')).toBe(201);
  expect(await post('b', 'from-b')).toBe(201);
  expect(await post(simIdOf('b'), 'by-id')).toBe(201);
  expect(await senders()).toMatchObject({
    'from-a': simIdOf('a'),
    'from-b': simIdOf('b'),
    'by-id': simIdOf('b'),
  });
});

it('answers 503 for a SIM that is not open, and shows it in status, pages and metrics', async () => {
  expect(await post('bad', 'x')).toBe(503);
  const { code, stdout, stderr } = await run('status', '--json');
  expect(code).toBe(5);
  const reports = JSON.parse(stdout) as { name: string; health: string; simId: string }[];
  expect(reports.map(({ name, health, simId }) => [name, health, simId])).toEqual([
    ['a', 'up', simIdOf('a')],
    ['b', 'up', simIdOf('b')],
  ]);
  expect(stderr).toMatch(/bad\.sock: cannot use sims\/bad\.json/);
  const page = async (path: string) => (await fetch(pages + path)).text();
  expect(await page('/')).toBe(`a ${simIdOf('a')} up\nb ${simIdOf('b')} up\nbad - not open\n`);
  expect(await page('/readyz')).toBe('2 of 3 tunnels are up\n');
  expect(await page('/metrics')).toMatch(
    /arctun_up\{sim="a"\} 1\n.*\{sim="b"\} 1\n.*\{sim="bad"\} 0/,
  );
});

it('warns of port forwards in arc.json, which have no effect', () => {
  expect(up.stderr).toMatch(/forwards in sims\/b\.json have no effect/);
});

it('shares the tunnel of a SIM with other commands', async () => {
  expect(await run('send', '--config', 'sims/a.json', 'by-send')).toMatchObject({ code: 0 });
  expect(await senders()).toMatchObject({ 'by-send': simIdOf('a') });
});

it('opens and closes tunnels as files come and go, and keeps the others', async () => {
  renameSync(join(folder, 'other.json'), join(folder, 'sims/bad.json'));
  renameSync(join(folder, 'sims/a.json'), join(folder, 'a.saved'));
  up.kill('SIGHUP');
  await until(async () => (await post('bad', 'corrected')) === 201, { turn });
  expect(await post('a', 'removed')).toBe(404);
  expect(await post('b', 'kept')).toBe(201);
  renameSync(join(folder, 'a.saved'), join(folder, 'sims/a.json'));
  up.kill('SIGHUP');
  await until(async () => (await post('a', 'added')) === 201, { turn });
  expect(up.stderr.match(/handshake complete .*sim=b /g)).toHaveLength(1);
});

it('continues with the other SIMs after one was deleted', async () => {
  await emulator.terminate(simIdOf('b'));
  expect(await post('a', 'after')).toBe(201);
  expect(up.running).toBe(true);
});

it('refuses flags for one configuration', async () => {
  const { code, stderr } = await run('up', '--config', 'sims', '--capture', 'x.pcapng');
  expect(code).toBe(2);
  expect(stderr).toContain('cannot use --capture with several configurations');
});

it('closes all tunnels on SIGTERM', async () => {
  up.kill('SIGTERM');
  expect((await up.finished).code).toBe(0);
  expect(up.stderr.match(/tunnel closed/g)).toHaveLength(4);
});
