/** The GitHub Action against the emulator: its main and post parts, with the runner's files. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  type EmulatedSim,
  type EmulatorProcess,
  startEmulatorProcess,
} from '../support/emulator-process.js';
import {
  ARCTUN,
  type Finished,
  Processes,
  REPOSITORY,
  type TestProcess,
} from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { until } from '../support/until.js';

const FILES = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_PATH', 'GITHUB_STATE'] as const;
const TIMEOUT = 120_000;

const processes = new Processes();
/** The files that a release adds to the repository or that the repository has, without packages. */
const RELEASED = ['bin', 'package.json', 'oclif.manifest.json', 'dist/action', 'dist/bundle'];

let emulator: EmulatorProcess;
/** A checkout of the action, as the runner makes it. */
let action: string;
let folder: string;

beforeAll(async () => {
  action = mkdtempSync(join(tmpdir(), 'arctun-released-'));
  for (const name of RELEASED) {
    cpSync(join(REPOSITORY, name), join(action, name), { recursive: true });
  }
  emulator = await startEmulatorProcess(processes);
}, 60_000);
afterAll(async () => {
  await processes.close();
  rmSync(action, { recursive: true, force: true });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-action-'));
  mkdirSync(join(folder, 'temp'));
  for (const name of FILES) writeFileSync(join(folder, name), '');
});
afterEach(async () => {
  await emulator.clearFaults();
  rmSync(folder, { recursive: true, force: true });
});

type Inputs = Readonly<Record<string, string>>;

/** The environment of a step, as the runner makes it. */
function stepEnvironment(inputs: Inputs): NodeJS.ProcessEnv {
  const own: Inputs = {
    'auth-key-id': emulator.env.ARCTUN_AUTH_KEY_ID!,
    'auth-key': emulator.env.ARCTUN_AUTH_KEY!,
    endpoint: emulator.env.ARCTUN_ENDPOINT!,
    'set-proxy': 'false',
    ...inputs,
  };
  return {
    GITHUB_REPOSITORY: 'owner/project',
    GITHUB_RUN_ID: '123',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_JOB: 'test',
    RUNNER_TEMP: join(folder, 'temp'),
    STATE_DIRECTORY: join(folder, 'state-folder'),
    ...Object.fromEntries(FILES.map((name) => [name, join(folder, name)])),
    ...Object.fromEntries(
      Object.entries(own).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
    ),
  };
}

function startMain(inputs: Inputs = {}, env: NodeJS.ProcessEnv = {}): TestProcess {
  const command = [process.execPath, join(action, 'dist/action/main.mjs')];
  return processes.start(command, {
    cwd: folder,
    detached: true,
    env: { ...stepEnvironment(inputs), ...env },
  });
}

/** Runs post with the state and the environment that main left behind. */
function runPost(inputs: Inputs = {}, env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const state = Object.entries(valuesOf('GITHUB_STATE'));
  const command = [process.execPath, join(action, 'dist/action/post.mjs')];
  return processes.run(command, {
    cwd: folder,
    env: {
      ...stepEnvironment(inputs),
      ...valuesOf('GITHUB_ENV'),
      ...Object.fromEntries(state.map(([name, value]) => [`STATE_${name}`, value])),
      ...env,
    },
  });
}

/** Reads a file of the runner as its documentation describes the file. */
function valuesOf(file: (typeof FILES)[number]): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = readFileSync(join(folder, file), 'utf8').split('\n');
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const [, name, delimiter] = /^([^=<]+)<<(.+)$/.exec(line) ?? [];
    if (name === undefined || delimiter === undefined) continue;
    const end = lines.indexOf(delimiter);
    values[name] = lines
      .splice(0, end + 1)
      .slice(0, end)
      .join('\n');
  }
  return values;
}

const jobFolder = () => valuesOf('GITHUB_STATE').folder;
const inJobFolder = (name: string) => join(jobFolder() ?? 'none', name);

/** The SIMs that were created in the current test. */
async function newSims(before: readonly EmulatedSim[]): Promise<EmulatedSim[]> {
  const known = new Set(before.map(({ simId }) => simId));
  return (await emulator.sims()).filter(({ simId }) => !known.has(simId));
}

/** Kills main and the programs in its process group when a condition is met. */
async function killMainWhen(
  main: TestProcess,
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  await until(async () => (await condition()) || !main.running, {
    what,
    turn: () => sleep(10),
  });
  expect(main.running).toBe(true);
  process.kill(-main.child.pid!, 'SIGKILL');
  await main.finished;
}

const OPERATIONS = {
  auth: /^POST \/v1\/auth$/,
  createSim: /^POST \/v1\/sims$/,
  putSimTags: /^PUT \/v1\/sims\/\d+\/tags$/,
  logout: /^POST \/v1\/auth\/logout$/,
} as const;
type OperationName = keyof typeof OPERATIONS;

/** Delays the answer to an operation; returns a condition that is met when the request is there. */
async function delayed(operation: OperationName, delayMs = 4000): Promise<() => Promise<boolean>> {
  const before = (await emulator.calls()).length;
  await emulator.fault({ operation, delayMs });
  return async () =>
    (await emulator.calls()).slice(before).some((call) => OPERATIONS[operation].test(call));
}

describeWith(['curl'], 'a job', () => {
  it(
    'has a SIM and a tunnel until post',
    async () => {
      const before = await emulator.sims();
      const { code, stdout, stderr } = await startMain({ tags: 'site=osaka\nteam=x' }).finished;
      expect({ code, stdout, stderr }).toMatchObject({ code: 0, stderr: '' });
      const secret = emulator.env.ARCTUN_AUTH_KEY!;
      expect(stdout.split('\n')[0]).toBe(`::add-mask::${secret}`);
      expect(stdout.split(secret)).toHaveLength(2);
      const [sim] = await newSims(before);
      expect(sim?.tags).toEqual({
        name: 'ci-123-1-test',
        'arctun-ci': 'owner/project',
        site: 'osaka',
        team: 'x',
      });

      const outputs = valuesOf('GITHUB_OUTPUT');
      expect(Object.keys(outputs).sort()).toEqual(['config', 'forward-url', 'proxy-url', 'sim-id']);
      expect(outputs['sim-id']).toBe(sim?.simId);
      const { privateKey } = JSON.parse(readFileSync(outputs.config!, 'utf8')) as {
        privateKey: string;
      };
      expect(stdout).toContain(`::add-mask::${privateKey}\n`);
      const url = outputs['forward-url']!;
      expect((await fetch(url, { method: 'POST', body: '{"by":"url"}' })).status).toBe(201);

      const path = readFileSync(join(folder, 'GITHUB_PATH'), 'utf8').trim();
      const sent = await processes.run(['sh', '-c', `arctun send '{"by":"command"}'`], {
        env: {
          ...valuesOf('GITHUB_ENV'),
          PATH: `${path}:${process.env.PATH ?? ''}`,
          STATE_DIRECTORY: join(folder, 'state-folder'),
        },
      });
      expect(sent).toMatchObject({ code: 0 });
      const bodies = (await emulator.messages()).slice(-2).map(({ body }) => body);
      expect(bodies).toEqual(['{"by":"url"}', '{"by":"command"}']);
      expect(Object.keys(valuesOf('GITHUB_ENV'))).toEqual(['ARCTUN_CONFIG']);

      const post = await runPost();
      expect(post).toMatchObject({ code: 0, stderr: '' });
      expect(post.stdout.split(secret)).toHaveLength(2);
      expect(await newSims(before)).toMatchObject([{ status: 'terminated' }]);
      await expect(fetch(url)).rejects.toThrow();
      expect(readdirSync(join(folder, 'temp'))).toEqual([]);
    },
    TIMEOUT,
  );

  it(
    'can send all requests of later steps through the tunnel',
    async () => {
      const before = await emulator.sims();
      expect((await startMain({ 'set-proxy': 'true' }).finished).code).toBe(0);
      const env = valuesOf('GITHUB_ENV');
      expect(env.HTTPS_PROXY).toBe(valuesOf('GITHUB_OUTPUT')['proxy-url']);
      const script = `curl -sS -d '{"by":"proxy"}' http://uni.soracom.io/`;
      const sent = await processes.run(['sh', '-c', script], { env });
      expect(sent).toMatchObject({ code: 0 });
      expect((await emulator.messages()).at(-1)).toMatchObject({ body: '{"by":"proxy"}' });
      expect((await runPost({ 'set-proxy': 'true' })).code).toBe(0);
      expect(await newSims(before)).toMatchObject([{ status: 'terminated' }]);
    },
    TIMEOUT,
  );

  it(
    'fails without a SIM if the credentials are wrong',
    async () => {
      const before = await emulator.sims();
      const inputs = { 'auth-key': 'secret-wrong' };
      const { code, stdout } = await startMain(inputs).finished;
      expect(code).toBe(1);
      expect(stdout).toContain('::error title=arctun::arctun bootstrap failed with exit code 4.');
      expect(stdout).toContain('Check the auth key');
      expect(await runPost(inputs)).toMatchObject({ code: 0 });
      expect(await newSims(before)).toEqual([]);
    },
    TIMEOUT,
  );

  it(
    'terminates its SIM if the tunnel cannot be opened',
    async () => {
      const before = await emulator.sims();
      const inputs = { 'forward-to': 'not a target' };
      const { code, stdout } = await startMain(inputs).finished;
      expect(code).toBe(1);
      expect(stdout).toContain('::error title=arctun::arctun up failed with exit code 2.');
      expect(await newSims(before)).toMatchObject([{ status: 'active' }]);
      expect(await runPost(inputs)).toMatchObject({ code: 0 });
      expect(await newSims(before)).toMatchObject([{ status: 'terminated' }]);
    },
    TIMEOUT,
  );

  it(
    'refuses a wrong input before it creates anything',
    async () => {
      const before = (await emulator.calls()).length;
      const { code, stdout } = await startMain({ 'set-proxy': 'yes' }).finished;
      expect(code).toBe(1);
      expect(stdout).toContain('the input set-proxy must be true or false, not "yes"');
      expect(await emulator.calls()).toHaveLength(before);
      expect(await runPost({ 'set-proxy': 'yes' })).toMatchObject({ code: 0 });
    },
    TIMEOUT,
  );
});

describe('post', () => {
  it(
    'tries again if SORACOM does not answer',
    async () => {
      const before = await emulator.sims();
      expect((await startMain().finished).code).toBe(0);
      await emulator.fault({ operation: 'terminateSim', cut: 'before' });
      expect(await runPost()).toMatchObject({ code: 0 });
      expect(await newSims(before)).toMatchObject([{ status: 'terminated' }]);
    },
    TIMEOUT,
  );

  it(
    'fails, and reports the SIM, if it may not be terminated',
    async () => {
      expect((await startMain().finished).code).toBe(0);
      await emulator.fault({ operation: 'terminateSim', status: 403, times: 100 });
      const { code, stdout } = await runPost();
      expect(code).toBe(1);
      expect(stdout).toContain('::error title=arctun::The virtual SIM of this job could not be');
      await emulator.clearFaults();
      expect(await runPost()).toMatchObject({ code: 0 });
    },
    TIMEOUT,
  );
});

describeWith(['linux'], 'main is killed', () => {
  const STEPS: readonly [string, () => Promise<() => boolean | Promise<boolean>>][] = [
    ['after it saved its state', () => Promise.resolve(() => jobFolder() !== undefined)],
    ...Object.keys(OPERATIONS).map((name): (typeof STEPS)[number] => [
      `during ${name}`,
      () => delayed(name as OperationName),
    ]),
    ['while up starts', () => Promise.resolve(() => existsSync(inJobFolder('up.pid')))],
  ];

  it.each(STEPS)(
    '%s: post leaves no SIM',
    async (what, prepare) => {
      const before = await emulator.sims();
      const condition = await prepare();
      const main = startMain();
      await killMainWhen(main, what, condition);
      const post = await runPost();
      expect(post).toMatchObject({ code: 0 });
      // A bootstrap that post overlooked would still create a SIM.
      await until(() => !hasProcess(), { what: 'no process is left', turn: () => sleep(50) });
      expect((await newSims(before)).filter(({ status }) => status !== 'terminated')).toEqual([]);
      expect(readdirSync(join(folder, 'temp'))).toEqual([]);
    },
    TIMEOUT,
  );

  it(
    'during createSim, and post does not know its bootstrap',
    async () => {
      const before = await emulator.sims();
      const main = startMain();
      await killMainWhen(main, 'createSim', await delayed('createSim'));
      rmSync(inJobFolder('bootstrap.pid'));
      expect(await runPost()).toMatchObject({ code: 0 });
      expect(await newSims(before)).toMatchObject([{ status: 'terminated' }]);
    },
    TIMEOUT,
  );

  it(
    'before its bootstrap signs in, and post does not know the bootstrap',
    async () => {
      const before = await emulator.sims();
      const main = startMain();
      await killMainWhen(main, 'auth', await delayed('auth'));
      rmSync(inJobFolder('bootstrap.pid'));
      expect(await runPost()).toMatchObject({ code: 0 });
      await until(() => !hasProcess(), { what: 'no process is left', turn: () => sleep(50) });
      expect((await newSims(before)).filter(({ status }) => status !== 'terminated')).toEqual([]);
    },
    TIMEOUT,
  );
});

describeWith(['linux'], 'main and its bootstrap are killed', () => {
  async function killBoth(operation: OperationName): Promise<void> {
    // No one waits for the answer, because both processes are killed.
    const condition = await delayed(operation, 30_000);
    const main = startMain();
    await killMainWhen(main, operation, condition);
    process.kill(-Number(readFileSync(inJobFolder('bootstrap.pid'), 'utf8')), 'SIGKILL');
    await until(() => !hasProcess(), { what: 'the bootstrap has ended', turn: () => sleep(50) });
  }

  it.each(['auth', 'putSimTags', 'logout'] as const)(
    'during %s: post leaves no SIM',
    async (operation) => {
      const before = await emulator.sims();
      await killBoth(operation);
      expect(await runPost()).toMatchObject({ code: 0 });
      const left = (await newSims(before)).filter(({ status }) => status !== 'terminated');
      expect(left).toEqual([]);
    },
    TIMEOUT,
  );

  it(
    'during createSim: post and the sweep report the SIM',
    async () => {
      const before = await emulator.sims();
      await killBoth('createSim');
      const [sim] = await newSims(before);
      const { code, stdout } = await runPost();
      expect(code).toBe(1);
      expect(stdout).toContain('::error title=arctun::A virtual SIM may have been created');
      expect(stdout).toContain(sim!.simId);
      // SORACOM's clock, the `Date` of a response, has a resolution of one second.
      await sleep(1_100);
      const words = ['sim', 'terminate', '--tag', 'arctun-ci', '--older-than', '0s', '--yes'];
      const sweep = await processes.run([process.execPath, ARCTUN, ...words], {
        cwd: folder,
        env: emulator.env,
      });
      expect(sweep.stderr).toContain(`neither tags nor a name: `);
      expect(sweep.stderr).toContain(sim!.simId);
      await emulator.terminate(sim!.simId);
    },
    TIMEOUT,
  );
});

/** Whether a command of this test's job is still running. */
function hasProcess(): boolean {
  const name = join(folder, 'temp');
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(name);
      } catch {
        return false;
      }
    });
}
