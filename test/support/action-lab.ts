/** Runs the main and post parts of the GitHub Action against an emulator, with the runner's files. */
import {
  cpSync,
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
} from './emulator-process.js';
import { ARCTUN, type Finished, Processes, REPOSITORY, type TestProcess } from './processes.js';
import { until } from './until.js';

/** Milliseconds that a test of a job may take. */
export const JOB_TIMEOUT = 120_000;

const FILES = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_PATH', 'GITHUB_STATE'] as const;
/** The files that a release adds to the repository or that the repository has, without packages. */
const RELEASED = ['bin', 'package.json', 'oclif.manifest.json', 'dist/action', 'dist/bundle'];

const OPERATIONS = {
  auth: /^POST \/v1\/auth$/,
  createSim: /^POST \/v1\/sims$/,
  putSimTags: /^PUT \/v1\/sims\/\d+\/tags$/,
  terminateSim: /^POST \/v1\/sims\/\d+\/terminate$/,
  logout: /^POST \/v1\/auth\/logout$/,
} as const;
export type OperationName = keyof typeof OPERATIONS;

type Inputs = Readonly<Record<string, string>>;
type Condition = () => boolean | Promise<boolean>;

export class ActionLab {
  readonly processes = new Processes();
  emulator!: EmulatorProcess;
  /** The folder of the current job. */
  folder!: string;
  /** A checkout of the action, as the runner makes it. */
  #action!: string;
  #knownSims: ReadonlySet<string> = new Set();

  async start(): Promise<void> {
    this.#action = mkdtempSync(join(tmpdir(), 'arctun-released-'));
    for (const name of RELEASED)
      cpSync(join(REPOSITORY, name), join(this.#action, name), { recursive: true });
    this.emulator = await startEmulatorProcess(this.processes);
  }

  async close(): Promise<void> {
    await this.processes.close();
    rmSync(this.#action, { recursive: true, force: true });
  }

  async startJob(): Promise<void> {
    this.folder = mkdtempSync(join(tmpdir(), 'arctun-action-'));
    mkdirSync(join(this.folder, 'temp'));
    for (const name of FILES) writeFileSync(join(this.folder, name), '');
    this.#knownSims = new Set((await this.emulator.sims()).map(({ simId }) => simId));
  }

  async endJob(): Promise<void> {
    await this.emulator.clearFaults();
    rmSync(this.folder, { recursive: true, force: true });
  }

  startMain(inputs: Inputs = {}): TestProcess {
    const command = [process.execPath, join(this.#action, 'dist/action/main.mjs')];
    const env = this.#stepEnvironment(inputs);
    return this.processes.start(command, { cwd: this.folder, detached: true, env });
  }

  /** Runs post with the state and the environment that main left behind. */
  runPost(inputs: Inputs = {}): Promise<Finished> {
    return this.startPost(inputs).finished;
  }

  startPost(inputs: Inputs = {}): TestProcess {
    const state = Object.entries(this.valuesOf('GITHUB_STATE'));
    const command = [process.execPath, join(this.#action, 'dist/action/post.mjs')];
    return this.processes.start(command, {
      cwd: this.folder,
      detached: true,
      env: {
        ...this.#stepEnvironment(inputs),
        ...this.valuesOf('GITHUB_ENV'),
        ...Object.fromEntries(state.map(([name, value]) => [`STATE_${name}`, value])),
      },
    });
  }

  /** Reads a file of the runner as its documentation describes the file. */
  valuesOf(file: (typeof FILES)[number]): Record<string, string> {
    const values: Record<string, string> = {};
    const lines = readFileSync(join(this.folder, file), 'utf8').split('\n');
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

  /** The folder in which main keeps its state; undefined before main has saved it. */
  get jobFolder(): string | undefined {
    return this.valuesOf('GITHUB_STATE').folder;
  }

  inJobFolder(name: string): string {
    return join(this.jobFolder ?? 'none', name);
  }

  /** The SIMs that were created in the current job. */
  async newSims(): Promise<EmulatedSim[]> {
    return (await this.emulator.sims()).filter(({ simId }) => !this.#knownSims.has(simId));
  }

  async unterminatedSims(): Promise<EmulatedSim[]> {
    return (await this.newSims()).filter(({ status }) => status !== 'terminated');
  }

  /** The names of what the job left in the runner's temporary folder. */
  get leftFiles(): string[] {
    return readdirSync(join(this.folder, 'temp'));
  }

  /** Kills main or post, and the programs in its process group, when a condition is met. */
  async killWhen(step: TestProcess, what: string, condition: Condition): Promise<void> {
    await until(async () => (await condition()) || !step.running, {
      what,
      turn: () => sleep(10),
    });
    expect(step.running).toBe(true);
    process.kill(-step.child.pid!, 'SIGKILL');
    await step.finished;
  }

  /** Kills a command that main or post has started, and waits until it has ended. */
  async killCommand(name: 'bootstrap' | 'terminate'): Promise<void> {
    process.kill(-Number(readFileSync(this.inJobFolder(`${name}.pid`), 'utf8')), 'SIGKILL');
    await this.noProcessIsLeft();
  }

  /** Terminates the SIMs of killed jobs, as docs/guides/github-actions.md describes it. */
  async sweep(): Promise<Finished> {
    // SORACOM's clock, the `Date` of a response, has a resolution of one second.
    await sleep(1_100);
    const words = ['sim', 'terminate', '--tag', 'arctun-ci', '--older-than', '0s', '--yes'];
    return this.processes.run([process.execPath, ARCTUN, ...words], {
      cwd: this.folder,
      env: this.emulator.env,
    });
  }

  /** Delays the answer to an operation; returns a condition that is met when the request is there. */
  async delayed(operation: OperationName, delayMs = 4000): Promise<() => Promise<boolean>> {
    const before = (await this.emulator.calls()).length;
    await this.emulator.fault({ operation, delayMs });
    return async () =>
      (await this.emulator.calls()).slice(before).some((call) => OPERATIONS[operation].test(call));
  }

  /** Waits until no command of the job is running. */
  noProcessIsLeft(): Promise<void> {
    const what = 'no process of the job is left';
    return until(() => !this.#hasProcess(), { what, turn: () => sleep(50) });
  }

  #hasProcess(): boolean {
    const name = join(this.folder, 'temp');
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

  /** The environment of a step, as the runner makes it. */
  #stepEnvironment(inputs: Inputs): NodeJS.ProcessEnv {
    const own: Inputs = {
      'auth-key-id': this.emulator.env.ARCTUN_AUTH_KEY_ID!,
      'auth-key': this.emulator.env.ARCTUN_AUTH_KEY!,
      endpoint: this.emulator.env.ARCTUN_ENDPOINT!,
      'set-proxy': 'false',
      ...inputs,
    };
    return {
      GITHUB_REPOSITORY: 'owner/project',
      GITHUB_RUN_ID: '123',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_JOB: 'test',
      RUNNER_TEMP: join(this.folder, 'temp'),
      STATE_DIRECTORY: join(this.folder, 'state-folder'),
      ...Object.fromEntries(FILES.map((name) => [name, join(this.folder, name)])),
      ...Object.fromEntries(
        Object.entries(own).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
      ),
    };
  }
}
