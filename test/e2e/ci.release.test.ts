/** The scripts of docs/guides/ci.md, unchanged, against the emulator. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, type Finished, Processes, REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const PAGE = readFileSync(join(REPOSITORY, 'docs/guides/ci.md'), 'utf8');
const [JOB, TUNNEL, SWEEP, ...MORE] = blocks('sh');

function blocks(language: string): string[] {
  const pattern = new RegExp('^```' + language + '\n([\\s\\S]*?)^```$', 'gm');
  return [...PAGE.matchAll(pattern)].map((match) => match[1]!);
}

const FREE_PORTS = { ARCTUN_FORWARD_LISTEN: '127.0.0.1:0', ARCTUN_PROXY_LISTEN: '127.0.0.1:0' };

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
/** The SAM user of the page, with exactly the permissions that it lists. */
let user: NodeJS.ProcessEnv;

afterAll(() => processes.close());
beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
  const [policy] = blocks('json').map(
    (text) => JSON.parse(text) as { statements: { api: string[] }[] },
  );
  const credentials = { authKeyId: 'keyId-ci', authKey: 'secret-ci' };
  await emulator.addUser({ ...credentials, permissions: policy!.statements[0]!.api });
  user = {
    ...emulator.env,
    ARCTUN_AUTH_KEY_ID: credentials.authKeyId,
    ARCTUN_AUTH_KEY: credentials.authKey,
  };
}, 60_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-ci-'));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'tmp'));
  const arctun = join(folder, 'bin', 'arctun');
  writeFileSync(arctun, `#!/bin/sh\nexec '${process.execPath}' '${ARCTUN}' "$@"\n`);
  chmodSync(arctun, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(script: string, env: NodeJS.ProcessEnv = {}) {
  return processes.start(['sh', '-eu', '-c', script], {
    cwd: folder,
    env: {
      ...user,
      PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`,
      TMPDIR: join(folder, 'tmp'),
      STATE_DIRECTORY: join(folder, 'state'),
      CI_JOB_ID: 'job-1',
      ...env,
    },
  });
}

/** The first bootstrap leaves the state of one that was killed before arc.json is written. */
function killFirstBootstrap(): void {
  const arctun = join(folder, 'bin', 'arctun');
  const real = join(folder, 'bin', 'real-arctun');
  renameSync(arctun, real);
  const leave = `
    const { readFileSync, rmSync, writeFileSync } = require('node:fs');
    const { ARCTUN_CONFIG: path } = process.env;
    const arcJson = readFileSync(path, 'utf8');
    const { simId } = JSON.parse(arcJson);
    const asked = { since: 0, clock: 'platform', endpoint: 'https://x', ownKey: false };
    const steps = [{ step: 'create-sim', ...asked }, { step: 'created', simId, arcJson }];
    const owner = '4194305 gone'.padEnd(127);
    const lines = [owner, ...steps.map((step) => JSON.stringify(step))];
    const journal = path.replace('arc.json', '.arc.json.bootstrap');
    writeFileSync(journal, lines.join('\\n') + '\\n', { mode: 0o600 });
    rmSync(path);`;
  writeFileSync(
    arctun,
    `#!/bin/sh
cp '${real}' '${arctun}'
'${real}' "$@" && '${process.execPath}' -e "${leave}" && exit 137
`,
    { mode: 0o755 },
  );
}

const run = (script: string, env?: NodeJS.ProcessEnv): Promise<Finished> =>
  start(script, env).finished;

/** SORACOM's data about the last created SIM. */
async function newestSim(): Promise<{ simId: string; name: string | undefined; status: string }> {
  const { simId, tags, status } = (await emulator.sims()).at(-1)!;
  return { simId, name: tags.name, status };
}

it('has the three scripts that are tested here', () => {
  expect(JOB).toContain('trap finish EXIT');
  expect(TUNNEL).toContain('arctun up');
  expect(SWEEP).toContain('MAX_AGE');
  expect(MORE).toEqual([]);
});

describeWith(['jq', 'curl'], 'a CI job', () => {
  it('creates a SIM, sends, and terminates it', async () => {
    const { code, stderr } = await run(JOB!);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const sim = await newestSim();
    expect(stderr).toContain(`This job has SIM ${sim.simId}.`);
    expect(sim).toMatchObject({ name: 'ci-job-1', status: 'terminated' });
    expect((await emulator.messages()).at(-1)).toMatchObject({
      simId: sim.simId,
      body: '{"job": "job-1"}',
    });
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  }, 60_000);

  it('terminates its SIM, and fails with the original error, if the middle fails', async () => {
    const { code } = await run(JOB!, { ARCTUN_FORWARD_TO: '100.127.69.42:81' });
    expect(code).toBe(5);
    expect(await newestSim()).toMatchObject({ name: 'ci-job-1', status: 'terminated' });
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  }, 60_000);

  it('finishes a bootstrap that was killed, to terminate its SIM', async () => {
    killFirstBootstrap();
    const { code, stderr } = await run(JOB!);
    expect(code).toBe(137);
    expect(stderr).toContain('which an earlier run had created');
    expect(await newestSim()).toMatchObject({ status: 'terminated' });
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  }, 60_000);

  it('is canceled while its SIM is being created, and terminates it', async () => {
    const before = (await emulator.sims()).length;
    await emulator.fault({ operation: 'createSim', delayMs: 3000 });
    const job = start(JOB!);
    while (job.running && (await emulator.sims()).length === before) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    job.kill('SIGTERM');
    expect((await job.finished).code).toBe(143);
    expect(await newestSim()).toMatchObject({ name: 'ci-job-1', status: 'terminated' });
  }, 60_000);

  it('creates no second SIM if the answer to createSim is lost, and reports it', async () => {
    const before = (await emulator.sims()).length;
    await emulator.fault({ operation: 'createSim', cut: 'after' });
    const { code, stderr } = await run(JOB!);
    expect(code).toBe(1);
    expect(stderr).toContain('a billed SIM may already exist');
    expect(await emulator.sims()).toHaveLength(before + 1);
  }, 60_000);

  it('fails and creates nothing without credentials', async () => {
    const before = await emulator.sims();
    const { code } = await run(JOB!, { ARCTUN_AUTH_KEY: 'secret-wrong' });
    expect(code).toBe(4);
    expect(await emulator.sims()).toEqual(before);
  }, 60_000);

  it('posts through a tunnel, stops it, and terminates its SIM', async () => {
    const { code, stderr } = await run(TUNNEL!, FREE_PORTS);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const sim = await newestSim();
    expect(sim).toMatchObject({ name: 'ci-job-1', status: 'terminated' });
    expect((await emulator.messages()).at(-1)).toMatchObject({
      simId: sim.simId,
      body: '{"job": "job-1"}',
    });
    expect(stderr).not.toContain('is using');
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  }, 60_000);

  it('exits with the code of up if the tunnel does not open, and terminates its SIM', async () => {
    const { code } = await run(TUNNEL!, { ...FREE_PORTS, ARCTUN_FORWARD_LISTEN: '192.0.2.1:8888' });
    expect(code).toBe(2);
    expect(await newestSim()).toMatchObject({ name: 'ci-job-1', status: 'terminated' });
  }, 60_000);

  it('stops the tunnel, and fails with the original error, if a test fails', async () => {
    const { code } = await run(TUNNEL!, { ...FREE_PORTS, ARCTUN_FORWARD_TO: '100.127.69.42:81' });
    expect(code).toBe(22);
    expect(await newestSim()).toMatchObject({ name: 'ci-job-1', status: 'terminated' });
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  }, 60_000);

  it('terminates only the SIMs that it left behind', async () => {
    const ids: Record<string, string> = {};
    for (const [name, tag] of [
      ['ci-dead', 'arctun-ci=job'],
      ['sensor', 'site=osaka'],
    ] as const) {
      const script = `arctun bootstrap authkey --name ${name} --tag ${tag} --config ${name}.json --json`;
      const { stdout, stderr } = await run(script);
      expect(stderr).toBe('');
      ids[name] = (JSON.parse(stdout) as { simId: string }).simId;
    }
    const statusOf = async (name: string) =>
      (await emulator.sims()).find(({ simId }) => simId === ids[name])?.status;
    expect((await run(SWEEP!)).code).toBe(0);
    expect(await statusOf('ci-dead')).toBe('active');
    // SORACOM's clock, the `Date` of a response, has a resolution of one second.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await run(SWEEP!, { MAX_AGE: '0s' })).code).toBe(0);
    expect(await statusOf('ci-dead')).toBe('terminated');
    expect(await statusOf('sensor')).toBe('active');
  }, 60_000);
});
