/** `doctor` with a working and with a broken installation; test/app/doctor tests each fault. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Doctor } from '../support/doctor.js';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, Processes } from '../support/processes.js';

const FREE_PORTS = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
/** Without Linux and koffi, the interfaces cannot be listed. */
const OPTIONAL = ['leftovers'];

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
const doctor = new Doctor(processes, () => ({ cwd: folder, env: environment() }));

beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
  folder = mkdtempSync(join(tmpdir(), 'arctun-doctor-'));
  const command = [process.execPath, ARCTUN, 'bootstrap', 'authkey'];
  expect(await processes.run(command, { cwd: folder, env: environment() })).toMatchObject({
    code: 0,
  });
}, 60_000);
afterAll(async () => {
  await processes.close();
  rmSync(folder, { recursive: true, force: true });
});

function environment(): NodeJS.ProcessEnv {
  return {
    ...emulator.env,
    ARCTUN_MODE: 'userspace',
    STATE_DIRECTORY: folder,
    RUNTIME_DIRECTORY: join(folder, 'run'),
  };
}

it('finds no problem in a working installation, even if two run at once', async () => {
  const once = () => doctor.expectHealthy(FREE_PORTS, OPTIONAL);
  await Promise.all([once(), once()]);
}, 60_000);

it('shows a problem whose remedy works, and which --fix fixes', async () => {
  const path = join(folder, 'arc.json');
  chmodSync(path, 0o644);
  const command = [process.execPath, ARCTUN, 'doctor', ...FREE_PORTS];
  const shown = await processes.run(command, { cwd: folder, env: environment() });
  expect(shown.code).toBe(6);
  expect(shown.stdout).toMatch(/^ok {3}configuration: arc\.json is valid\.$/m);
  expect(shown.stdout).toMatch(/^1 problem:\n {2}file access: .*\n {4}Cause: .*\n {4}Remedy: /m);
  expect(shown.stdout).not.toContain(
    (JSON.parse(readFileSync(path, 'utf8')) as { privateKey: string }).privateKey,
  );
  const [, remedy] = /Remedy: Run: (.*)$/m.exec(shown.stdout)!;
  execFileSync('sh', ['-c', remedy!], { cwd: folder });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  chmodSync(path, 0o622);
  const { code, checks } = await doctor.examine([...FREE_PORTS, '--fix']);
  expect(code).toBe(0);
  const { text } = checks.find(({ name }) => name === 'file-access')!;
  expect(text).toBe('Fixed: Set the mode of arc.json to 0600.');
  expect(statSync(path).mode & 0o777).toBe(0o600);
}, 60_000);

it('looks into the tunnel of a running up, with its name servers, and does not disturb it', async () => {
  const flags = ['--json', '--dns', '192.0.2.53', '--forward-listen', '127.0.0.1:0'];
  const command = [process.execPath, ARCTUN, 'up', ...flags, '--proxy-listen', './proxy.sock'];
  const up = processes.start(command, { cwd: folder, env: environment() });
  await up.output(/"forward"/);
  const { problems, checks } = await doctor.examine();
  expect(problems).toMatchObject([{ name: 'name-servers' }]);
  expect(problems[0]!.cause).toContain('192.0.2.53');
  const of = (name: string) => checks.find((check) => check.name === name);
  expect(of('handshake')?.text).toBe(`The tunnel of arctun up (pid ${up.child.pid}) is up.`);
  expect(of('ports')).toMatchObject({ outcome: 'ok' });
  expect(of('unified-endpoint')).toMatchObject({ outcome: 'ok' });
  expect(of('path-mtu')).toMatchObject({ outcome: 'skipped' });
  expect(up.stderr.match(/handshake complete/g)).toHaveLength(1);
  up.kill();
  expect((await up.finished).code).toBe(0);
}, 60_000);
