/** The template of deploy/gitlab against the emulator, in the shells that a GitLab runner starts. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { parse } from 'yaml';

import {
  type EmulatedSim,
  type EmulatorProcess,
  startEmulatorProcess,
} from '../support/emulator-process.js';
import { ARCTUN, Processes, REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { until } from '../support/until.js';

const PATH = `${REPOSITORY}deploy/gitlab/arctun.gitlab-ci.yml`;
const TEXT = readFileSync(PATH, 'utf8');

interface Template {
  readonly variables: Readonly<Record<string, string>>;
  readonly before_script: readonly string[];
  readonly after_script: readonly string[];
}

const { '.arctun': template, '.arctun-sweep': sweep } = parse(TEXT) as {
  '.arctun': Template;
  '.arctun-sweep': {
    readonly script: readonly string[];
    readonly allow_failure: { readonly exit_codes: number };
  };
};

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
let before: readonly EmulatedSim[];

afterAll(() => processes.close());
beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
}, 60_000);
beforeEach(async () => {
  before = await emulator.sims();
  folder = mkdtempSync(join(tmpdir(), 'arctun-gitlab-'));
  for (const name of ['bin', 'project']) mkdirSync(join(folder, name));
  const arctun = join(folder, 'bin', 'arctun');
  writeFileSync(arctun, `#!/bin/sh\nexec '${process.execPath}' '${ARCTUN}' "$@"\n`);
  chmodSync(arctun, 0o755);
});
afterEach(async () => {
  await emulator.clearFaults();
  rmSync(folder, { recursive: true, force: true });
});

/** The variables of the job, in which GitLab replaces the names of other variables. */
function jobVariables(): Record<string, string> {
  const predefined: Record<string, string> = {
    CI_PROJECT_DIR: join(folder, 'project'),
    CI_PROJECT_PATH: 'group/project',
    CI_JOB_ID: '77',
  };
  const own = Object.entries(template.variables).map(([name, value]): [string, string] => [
    name,
    value.replace(/\$(\w+)/g, (_, other: string) => predefined[other] ?? ''),
  ]);
  return {
    ...predefined,
    ...Object.fromEntries(own),
    ARCTUN_FORWARD_LISTEN: '127.0.0.1:0',
    ARCTUN_PROXY_LISTEN: '127.0.0.1:0',
  };
}

/** Starts a section of the job in its own shell, with the options that the runner sets. */
function start(lines: readonly string[]) {
  const script = ['set -eo pipefail', ...lines].join('\n');
  return processes.start(['bash', '-c', script], {
    cwd: join(folder, 'project'),
    detached: true,
    env: {
      ...emulator.env,
      ...jobVariables(),
      PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`,
      STATE_DIRECTORY: join(folder, 'state'),
    },
  });
}

const run = (lines: readonly string[]) => start(lines).finished;
const file = (name: string) => join(jobVariables().ARCTUN_FOLDER!, name);

async function newSims(): Promise<EmulatedSim[]> {
  const known = new Set(before.map(({ simId }) => simId));
  return (await emulator.sims()).filter(({ simId }) => !known.has(simId));
}

/** Kills a shell and its programs when a request has arrived. */
async function killDuring(lines: readonly string[], operation: string, call: RegExp) {
  const earlier = (await emulator.calls()).length;
  await emulator.fault({ operation, delayMs: 2000 });
  const shell = start(lines);
  await until(async () => (await emulator.calls()).slice(earlier).some((each) => call.test(each)), {
    what: operation,
    turn: () => sleep(10),
  });
  return shell;
}

it('is the file in the guide', () => {
  const guide = readFileSync(`${REPOSITORY}docs/guides/gitlab-ci.md`, 'utf8');
  expect(guide).toContain(`\`\`\`yaml\n${TEXT}\`\`\`\n`);
});

describeWith(['bash'], 'a GitLab job', () => {
  it('has a SIM and a tunnel until after_script', async () => {
    expect(await run(template.before_script)).toMatchObject({ code: 0 });
    const [sim] = await newSims();
    expect(sim?.tags).toEqual({ name: 'ci-77', 'arctun-ci': 'group/project' });
    expect(await run([`arctun send '{"from":"gitlab"}'`])).toMatchObject({ code: 0 });
    expect((await emulator.messages()).at(-1)).toMatchObject({
      simId: sim!.simId,
      body: '{"from":"gitlab"}',
    });
    const pid = Number(readFileSync(file('up.pid'), 'utf8'));
    expect(await run(template.after_script)).toMatchObject({ code: 0 });
    expect(await newSims()).toMatchObject([{ status: 'terminated' }]);
    expect(existsSync(file(''))).toBe(false);
    await until(() => !isRunning(pid), { what: 'up has ended', turn: () => sleep(50) });
  }, 60_000);

  it('terminates its SIM after a script that failed', async () => {
    expect(await run(template.before_script)).toMatchObject({ code: 0 });
    expect((await run(['false'])).code).toBe(1);
    expect(await run(template.after_script)).toMatchObject({ code: 0 });
    expect(await newSims()).toMatchObject([{ status: 'terminated' }]);
  }, 60_000);

  it('fails before the script if the tunnel cannot be opened, and terminates its SIM', async () => {
    const lines = ['export ARCTUN_FORWARD_TO=:', ...template.before_script];
    const { code, stderr } = await run(lines);
    expect(code).toBe(5);
    expect(stderr).toContain('ARCTUN_FORWARD_TO');
    expect(await run(template.after_script)).toMatchObject({ code: 0 });
    expect(await newSims()).toMatchObject([{ status: 'terminated' }]);
  }, 60_000);

  it.each([
    ['createSim', /^POST \/v1\/sims$/],
    ['putSimTags', /^PUT /],
  ])(
    'terminates its SIM if it is canceled during %s',
    async (operation, call) => {
      const shell = await killDuring(template.before_script, operation, call);
      process.kill(-shell.child.pid!, 'SIGTERM');
      await shell.finished;
      expect(await run(template.after_script)).toMatchObject({ code: 0 });
      expect(await newSims()).toMatchObject([{ status: 'terminated' }]);
    },
    60_000,
  );

  it('finishes a bootstrap that was killed, to terminate its SIM', async () => {
    expect(await run(template.before_script)).toMatchObject({ code: 0 });
    leaveJournal();
    const { code, stdout } = await run(template.after_script);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain('Finishing the bootstrap, attempt 1 of 5.');
    expect(await newSims()).toMatchObject([{ status: 'terminated' }]);
    expect(existsSync(file(''))).toBe(false);
  }, 60_000);

  it('has a sweep for the SIMs that killed jobs left behind', async () => {
    expect(await run(template.before_script)).toMatchObject({ code: 0 });
    const pid = Number(readFileSync(file('up.pid'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    expect(await run(sweep.script)).toMatchObject({ code: 0 });
    expect(await newSims()).toMatchObject([{ status: 'active' }]);
    // SORACOM's clock, the `Date` of a response, has a resolution of one second.
    await sleep(1_100);
    const lines = sweep.script.map((line) => line.replace('--older-than 1d', '--older-than 0s'));
    expect(await run(lines)).toMatchObject({ code: 0 });
    expect(await newSims()).toMatchObject([{ status: 'terminated' }]);
  }, 60_000);

  it('has a sweep that passes with a warning if it keeps a SIM without tags', async () => {
    expect(await run(['arctun bootstrap authkey --config untagged.json'])).toMatchObject({
      code: 0,
    });
    const [sim] = await newSims();
    await sleep(1_100);
    const lines = sweep.script.map((line) => line.replace('--older-than 1d', '--older-than 0s'));
    const { code, stdout } = await run(lines);
    expect(code).toBe(sweep.allow_failure.exit_codes);
    expect(stdout).toContain(sim!.simId);
    expect(await newSims()).toMatchObject([{ status: 'active' }]);
    await emulator.terminate(sim!.simId);
  }, 60_000);

  it('has a sweep that fails if SORACOM refuses it', async () => {
    const { code, stdout } = await run(['export ARCTUN_AUTH_KEY=secret-wrong', ...sweep.script]);
    expect({ code, stdout }).toMatchObject({ code: 4 });
  }, 60_000);
});

/** Leaves the state of a bootstrap that was killed before arc.json is written. */
function leaveJournal(): void {
  const arcJson = readFileSync(file('arc.json'), 'utf8');
  const { simId } = JSON.parse(arcJson) as { simId: string };
  const asked = { since: 0, clock: 'platform', endpoint: 'https://x', ownKey: false };
  const steps = [
    { step: 'create-sim', ...asked },
    { step: 'created', simId, arcJson },
  ];
  // No process has this ID.
  const lines = ['4194305 gone'.padEnd(127), ...steps.map((step) => JSON.stringify(step))];
  writeFileSync(file('.arc.json.bootstrap'), `${lines.join('\n')}\n`, { mode: 0o600 });
  rmSync(file('arc.json'));
}

function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
  } catch {
    return false;
  }
}
