/** `doctor` finds each fault, names only that fault, and its remedy works. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Doctor } from '../support/doctor.js';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { FakeWallClock } from '../support/foreign/faketime.js';
import { ARCTUN, type Finished, Processes } from '../support/processes.js';
import { IMPOSSIBLE_NAME } from '../support/impossible-name.js';
import { until } from '../support/until.js';
import { describeWith } from '../support/runner/requirements.js';

const NOBODY = 65_534;
const FREE_PORTS = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
/** Without Linux and koffi, the interfaces cannot be listed. */
const OPTIONAL = ['leftovers'];

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
const doctor = new Doctor(processes, () => ({ cwd: folder, env: environment() }));

interface ArcJson {
  publicKey: string;
  privateKey: string;
  simId: string;
  mtu: number;
  arcSessionStatus: { arcServerEndpoint: string; arcServerPeerPublicKey: string };
}

beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
}, 60_000);
afterAll(() => processes.close());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-doctor-'));
  mkdirSync(join(folder, 'state'), { mode: 0o700 });
  await bootstrap();
}, 60_000);
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function environment(): NodeJS.ProcessEnv {
  return {
    ...emulator.env,
    ARCTUN_MODE: 'userspace',
    STATE_DIRECTORY: join(folder, 'state'),
    RUNTIME_DIRECTORY: join(folder, 'run'),
  };
}

/** The environment of a user without API credentials; the clock is still compared. */
function withoutCredentials(): NodeJS.ProcessEnv {
  return { ...environment(), ARCTUN_AUTH_KEY_ID: '', ARCTUN_AUTH_KEY: '' };
}

const path = () => join(folder, 'arc.json');
const read = () => JSON.parse(readFileSync(path(), 'utf8')) as ArcJson;
const write = (config: ArcJson) => writeFileSync(path(), JSON.stringify(config, undefined, 2));
const healthy = () => doctor.expectHealthy(FREE_PORTS, OPTIONAL);

function change(edit: (config: ArcJson) => void): void {
  const config = read();
  edit(config);
  write(config);
}

function run(...parameters: string[]): Promise<Finished> {
  const command = [process.execPath, ARCTUN, ...parameters];
  return processes.run(command, { cwd: folder, env: environment() });
}

async function bootstrap(): Promise<void> {
  expect(await run('bootstrap', 'authkey')).toMatchObject({ code: 0 });
}

function problem(name: string, code: number, cause: RegExp) {
  return doctor.expectProblem({ name, code, cause }, FREE_PORTS);
}

it('finds no problem in a working installation', healthy, 60_000);

it('finds a missing arc.json', async () => {
  rmSync(path());
  doctor.runRemedy(await problem('config', 3, /^No such file/));
  await healthy();
}, 60_000);

it('finds broken JSON', async () => {
  const text = readFileSync(path(), 'utf8');
  writeFileSync(path(), text.slice(0, 200));
  const found = await problem('config', 3, /^Line \d+: found .*, expected a JSON value/);
  expect(found.remedy).toContain('arctun config validate');
  expect(() => doctor.runRemedy(found)).toThrow();
  writeFileSync(path(), text);
  doctor.runRemedy(found);
  await healthy();
}, 60_000);

it('finds an invalid value', async () => {
  const { mtu } = read();
  change((config) => (config.mtu = 10));
  const found = await problem('config', 3, /^Line \d+, mtu: found 10, expected/);
  change((config) => (config.mtu = mtu));
  doctor.runRemedy(found);
  await healthy();
}, 60_000);

it('finds an arc.json that others can read', async () => {
  chmodSync(path(), 0o644);
  doctor.runRemedy(await problem('file-access', 6, /private key/));
  expect(statSync(path()).mode & 0o777).toBe(0o600);
  await healthy();
}, 60_000);

it('finds an arc.json that others can write, and --fix makes it private', async () => {
  chmodSync(path(), 0o622);
  await problem('file-access', 6, /could redirect the tunnel/);
  const { code, checks } = await doctor.examine([...FREE_PORTS, '--fix']);
  expect(code).toBe(0);
  expect(checks.find(({ name }) => name === 'file-access')).toEqual({
    name: 'file-access',
    outcome: 'ok',
    text: 'Fixed: Set the mode of arc.json to 0600.',
  });
  expect(statSync(path()).mode & 0o777).toBe(0o600);
  await healthy();
}, 60_000);

it('finds a publicKey that belongs to another private key', async () => {
  change((config) => (config.publicKey = config.arcSessionStatus.arcServerPeerPublicKey));
  const found = await problem('keys', 3, /belongs to another SIM/);
  const [, key] = /^Set publicKey to the SIM's public key: (\S+)$/.exec(found.remedy!)!;
  change((config) => (config.publicKey = key!));
  await healthy();
}, 60_000);

it('finds the SIM’s own public key instead of the server’s', async () => {
  const { arcSessionStatus } = read();
  change((config) => (config.arcSessionStatus.arcServerPeerPublicKey = config.publicKey));
  const { problems, code } = await doctor.examine(FREE_PORTS);
  // SORACOM also reports another server key.
  expect(problems.map(({ name }) => name)).toEqual(['keys', 'sim']);
  expect(code).toBe(3);
  doctor.runRemedy(problems[1]!);
  expect(read().arcSessionStatus).toEqual(arcSessionStatus);
  await healthy();
}, 60_000);

it('finds a wrong server key', async () => {
  const otherKey = read().privateKey;
  change((config) => (config.arcSessionStatus.arcServerPeerPublicKey = otherKey));
  doctor.runRemedy(await problem('sim', 5, /^Server key: .* in SORACOM, but/));
  await healthy();
}, 60_000);

it('finds a server name that does not exist', async () => {
  const { arcServerEndpoint } = read().arcSessionStatus;
  change((config) => (config.arcSessionStatus.arcServerEndpoint = `${IMPOSSIBLE_NAME}:11010`));
  const found = await doctor.expectProblem(
    { name: 'server-name', code: 5, cause: /ENOTFOUND/ },
    FREE_PORTS,
    { env: withoutCredentials() },
  );
  expect(found.remedy).toMatch(/^Correct arcServerEndpoint in arc\.json/);
  change((config) => (config.arcSessionStatus.arcServerEndpoint = arcServerEndpoint));
  await healthy();
}, 60_000);

it('finds a terminated SIM', async () => {
  await emulator.terminate(read().simId);
  const found = await problem('sim', 5, /^The SIM is terminated/);
  expect(found.remedy).toMatch(/^Move arc\.json to another folder/);
  mkdirSync(join(folder, 'old'));
  renameSync(path(), join(folder, 'old', 'arc.json'));
  doctor.runRemedy(found);
  await healthy();
}, 60_000);

it('finds that the SIM has another key', async () => {
  const { simId } = read();
  const { status } = await emulator.call('PUT', `/sims/${simId}/credentials/arc`, {});
  expect(status).toBe(200);
  doctor.runRemedy(
    await problem('sim', 5, /^The SIM's public key is .*, but the key in arc\.json/),
  );
  await healthy();
}, 60_000);

it('finds that the session has ended', async () => {
  const { simId } = read();
  const { status } = await emulator.call('POST', `/sims/${simId}/delete_session`);
  expect(status).toBeLessThan(300);
  doctor.runRemedy(await problem('sim', 5, /^The SIM has no session/));
  await healthy();
}, 60_000);

it('finds that the credentials are wrong', async () => {
  const env = { ...environment(), ARCTUN_AUTH_KEY: 'secret-wrong' };
  const found = await doctor.examine(FREE_PORTS, { env });
  expect(found.problems).toMatchObject([{ name: 'sim', kind: 'api' }]);
  expect(found.code).toBe(4);
  expect(JSON.stringify(found)).not.toContain('secret-wrong');
  // The tunnel does not need credentials.
  expect(found.checks.find(({ name }) => name === 'handshake')?.outcome).toBe('ok');
}, 60_000);

it('finds a silent server, and says what it can exclude', async () => {
  const { arcServerEndpoint } = read().arcSessionStatus;
  const closed = await startServer();
  const { port } = closed.address() as { port: number };
  change((config) => (config.arcSessionStatus.arcServerEndpoint = `127.0.0.1:${port}`));
  const found = await doctor.expectProblem(
    { name: 'handshake', code: 5, cause: /has not answered|cannot send|refused/ },
    FREE_PORTS,
    { env: withoutCredentials() },
  );
  expect(found.remedy).toMatch(/arctun emulator|network/);
  // Wrong credentials do not explain the silence.
  const env = { ...environment(), ARCTUN_AUTH_KEY: 'secret-wrong' };
  const { problems } = await doctor.examine(FREE_PORTS, { env });
  expect(problems.map(({ name }) => name)).toEqual(['sim', 'handshake']);
  closed.close();
  change((config) => (config.arcSessionStatus.arcServerEndpoint = arcServerEndpoint));
  await healthy();
}, 60_000);

function startServer(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

it('finds the program that uses the port', async () => {
  const server = await startServer();
  const { port } = server.address() as { port: number };
  const ports = ['--forward-listen', `127.0.0.1:${port}`, '--proxy-listen', 'off'];
  const found = await doctor.expectProblem({ name: 'ports', code: 1, cause: /port/ }, ports);
  expect(found.remedy).toMatch(/^Stop that program, or choose another port with --forward-listen/);
  if (process.platform === 'linux') expect(found.cause).toContain(`(pid ${process.pid})`);
  server.close();
  await doctor.expectHealthy(ports, OPTIONAL);
}, 60_000);

it('creates a missing state folder with --fix', async () => {
  rmSync(join(folder, 'state'), { recursive: true });
  const { checks } = await doctor.examine([...FREE_PORTS, '--fix']);
  expect(checks.find(({ name }) => name === 'state-folder')?.text).toMatch(/^Fixed: created/);
  expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700);
}, 60_000);

it('asks a running up, and does not disturb it', async () => {
  const command = [process.execPath, ARCTUN, 'up', '--json', ...FREE_PORTS];
  const up = processes.start(command, { cwd: folder, env: environment() });
  await up.output(/"forward"/);
  const { code, checks } = await doctor.examine();
  expect(code).toBe(0);
  const of = (name: string) => checks.find((check) => check.name === name);
  const running = `arctun up (pid ${up.child.pid})`;
  expect(of('handshake')?.text).toBe(`The tunnel of ${running} is up.`);
  expect(of('ports')).toMatchObject({ outcome: 'ok' });
  expect(of('name-servers')).toMatchObject({ outcome: 'ok' });
  expect(of('unified-endpoint')).toMatchObject({ outcome: 'ok' });
  expect(of('path-mtu')).toMatchObject({ outcome: 'skipped' });
  expect(up.running).toBe(true);
  expect(up.stderr.match(/handshake complete/g)).toHaveLength(1);
  up.kill();
  expect((await up.finished).code).toBe(0);
}, 60_000);

it('asks the name servers of a running up', async () => {
  const flags = ['--json', '--dns', '192.0.2.53', ...FREE_PORTS];
  const up = processes.start([process.execPath, ARCTUN, 'up', ...flags], {
    cwd: folder,
    env: environment(),
  });
  await up.output(/"forward"/);
  const { checks } = await doctor.examine();
  const found = checks.find(({ name }) => name === 'name-servers');
  expect(found).toMatchObject({ outcome: 'failed' });
  expect(found?.cause).toContain('192.0.2.53');
  up.kill();
  await up.finished;
}, 60_000);

it.each([
  ['a proxy with a password', ['--proxy-listen', '127.0.0.1:0'], { ARCTUN_PROXY_PASSWORD: 'p' }],
  ['a proxy on a Unix socket', ['--proxy-listen', './proxy.sock'], {}],
  ['no proxy', ['--proxy-listen', 'off'], {}],
])(
  'checks the inside of the tunnel of an up with %s',
  async (_, proxy, variables) => {
    const listeners = ['--forward-listen', '127.0.0.1:0', ...proxy];
    const command = [process.execPath, ARCTUN, 'up', '--json', ...listeners];
    const up = processes.start(command, { cwd: folder, env: { ...environment(), ...variables } });
    await up.output(/"forward"/);
    await doctor.expectHealthy(listeners, [...OPTIONAL, 'path-mtu']);
    up.kill();
    await up.finished;
  },
  60_000,
);

it('accepts the path of a Unix socket for the proxy', async () => {
  const listeners = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', './proxy.sock'];
  await doctor.expectHealthy(listeners, OPTIONAL);
}, 60_000);

it('prints the same for people', async () => {
  chmodSync(path(), 0o644);
  const shown = await run('doctor', ...FREE_PORTS);
  expect(shown.code).toBe(6);
  expect(shown.stdout).toMatch(/^ok {3}configuration: arc\.json is valid\.$/m);
  expect(shown.stdout).toMatch(/^FAIL file access: Other users can read arc\.json\.$/m);
  expect(shown.stdout).toMatch(
    /^1 problem:\n {2}file access: .*\n {4}Cause: .*\n {4}Remedy: Run: chmod 600 arc\.json\n\n.*--fix/m,
  );
  expect(shown.stdout).not.toContain(read().privateKey);
}, 60_000);

it('exits with 130 after Ctrl-C, and frees the SIM', async () => {
  const command = [process.execPath, ARCTUN, 'doctor', ...FREE_PORTS];
  const stopped = processes.start(command, { cwd: folder, env: environment() });
  const { simId } = read();
  const isAsked = async () => (await emulator.calls()).includes(`GET /v1/sims/${simId}`);
  await until(isAsked, { what: 'the SIM is requested' });
  stopped.kill('SIGINT');
  expect(await stopped.finished).toMatchObject({ code: 130, stdout: '' });
  await healthy();
}, 60_000);

it('waits for another doctor instead of skipping its checks', async () => {
  const [one, other] = await Promise.all([doctor.examine(FREE_PORTS), doctor.examine(FREE_PORTS)]);
  expect([one, other].map(({ code, problems }) => [code, problems])).toEqual([
    [0, []],
    [0, []],
  ]);
  const handshakes = [one, other].map(
    ({ checks }) => checks.find(({ name }) => name === 'handshake')?.outcome,
  );
  expect(handshakes).toEqual(['ok', 'ok']);
}, 60_000);

describeWith(['root', 'linux'], 'for another user', () => {
  const asNobody = () => ({ uid: NOBODY, env: { ...environment(), HOME: '/nonexistent' } });

  beforeEach(() => {
    chmodSync(folder, 0o755);
    chownSync(join(folder, 'state'), NOBODY, NOBODY);
    chownSync(path(), NOBODY, NOBODY);
  });

  it('finds an arc.json that this user cannot read', async () => {
    await doctor.expectHealthy(FREE_PORTS, OPTIONAL, asNobody());
    chownSync(path(), 0, 0);
    const expected = { name: 'config', code: 6, cause: /^Permission denied/ };
    doctor.runRemedy(await doctor.expectProblem(expected, FREE_PORTS, asNobody()));
    await doctor.expectHealthy(FREE_PORTS, OPTIONAL, asNobody());
  }, 60_000);

  it('finds a state folder that this user cannot write to', async () => {
    chownSync(join(folder, 'state'), 0, 0);
    const expected = { name: 'state-folder', code: 6, cause: /^Permission denied/ };
    const { remedy } = await doctor.expectProblem(expected, FREE_PORTS, asNobody());
    const [, command] = /as root: ([^)]+)\)/.exec(remedy!)!;
    execFileSync('sh', ['-c', command!]);
    await doctor.expectHealthy(FREE_PORTS, OPTIONAL, asNobody());
  }, 60_000);

  it('finds that this user cannot create a network interface', async () => {
    const parameters = [...FREE_PORTS, '--mode', 'tun'];
    const expected = { name: 'system', code: 6, cause: /tun|CAP_NET_ADMIN/ };
    const found = await doctor.expectProblem(expected, parameters, asNobody());
    expect(found.remedy).toMatch(/[Rr]un as root/);
    // As root, the mode is possible.
    await doctor.expectHealthy(parameters, [...OPTIONAL, 'ports']);
  }, 60_000);
});

describeWith(['faketime'], 'the clock', () => {
  it('finds a clock that is an hour slow', async () => {
    const clock = new FakeWallClock(folder);
    const faked = () => ({ env: { ...environment(), ...clock.env } });
    clock.set(-3_600);
    const expected = { name: 'clock', code: 5, cause: /60 min ahead/ };
    const found = await doctor.expectProblem(expected, FREE_PORTS, faked());
    expect(found.remedy).toMatch(/^Set this machine's clock/);
    clock.set(0);
    await doctor.expectHealthy(FREE_PORTS, OPTIONAL, faked());
  }, 60_000);

  it('finds a fast clock', async () => {
    const clock = new FakeWallClock(folder);
    clock.set(7_300);
    const expected = { name: 'clock', code: 1, cause: /2 h behind/ };
    await doctor.expectProblem(expected, FREE_PORTS, { env: { ...environment(), ...clock.env } });
  }, 60_000);

  it('blames the clock, not the network, if the server knows a later handshake', async () => {
    expect(await run('send', 'x')).toMatchObject({ code: 0 });
    // As if another machine had sent that message: this one does not know the last timestamp.
    rmSync(join(folder, 'state', 'timestamps'), { recursive: true });
    const clock = new FakeWallClock(folder);
    clock.set(-3_600);
    const faked = { env: { ...environment(), ...clock.env } };
    const { checks, problems } = await doctor.examine(FREE_PORTS, faked);
    expect(problems.map(({ name }) => name)).toEqual(['clock']);
    const handshake = checks.find(({ name }) => name === 'handshake');
    expect(handshake?.text).toBe(
      'Skipped: the server does not answer, which the problem with "clock" may explain.',
    );
    expect(existsSync(path())).toBe(true);
  }, 60_000);
});
