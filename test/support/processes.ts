/** Child processes of a test: their output is collected, and all are killed when the test ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** When compiled for a script, this file is in build/harness. */
export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url)).replace(
  '/build/harness/',
  '/',
);
export const ARCTUN = `${REPOSITORY}bin/run.js`;

/** Milliseconds; ample for a busy machine, but below Jest's own limit. */
const PATIENCE = 100_000;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestProcessOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  /** The program's argv[0]; default its path. */
  readonly argv0?: string;
  /** All of standard input. */
  readonly input?: string;
  /** Whether standard input stays open for `type`. */
  readonly interactive?: boolean;
  /** Whether the program is the leader of a new process group. */
  readonly detached?: boolean;
  /** The descriptor that the program gets as its descriptor 3. */
  readonly descriptor?: number;
}

export class TestProcess {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  stdout = '';
  stderr = '';
  readonly #waiting = new Set<() => void>();

  constructor(command: readonly string[], options: TestProcessOptions = {}) {
    const { input, interactive = false, env, descriptor, ...rest } = options;
    this.child = spawn(command[0]!, command.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe', ...(descriptor === undefined ? [] : [descriptor])],
      env: { ...cleanEnvironment(), ...env },
      ...rest,
    });
    this.child.stdin!.on('error', () => undefined);
    if (!interactive) this.child.stdin!.end(input ?? '');
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#wake();
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#wake();
    });
    this.finished = new Promise((resolve) => {
      this.child.on('error', (error) => {
        this.stderr += error.message;
        resolve({ code: null, stdout: this.stdout, stderr: this.stderr });
      });
      this.child.on('close', (code) => {
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
        this.#wake();
      });
    });
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves with the match once the output contains it; rejects if the process exits first. */
  async output(
    pattern: RegExp,
    stream: 'stdout' | 'stderr' = 'stdout',
    timeout = PATIENCE,
  ): Promise<RegExpExecArray> {
    const until = Date.now() + timeout;
    for (;;) {
      const match = pattern.exec(this[stream]);
      if (match) return match;
      if (!this.running || Date.now() > until) {
        throw new Error(
          `${String(pattern)} never came on ${stream}:\n${this.stdout}\n${this.stderr}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(wake, 200);
        const waiting = this.#waiting;
        function wake(): void {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        }
        waiting.add(wake);
      });
    }
  }

  /** Writes to standard input, like typed keys. */
  type(keys: string): void {
    this.child.stdin!.write(keys);
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.running) this.child.kill(signal);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

/** Removes the test runner's own settings from the environment of processes under test. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(ARCTUN_|SORACOM_|STATE_DIRECTORY$|NODE_OPTIONS$|NODE_ENV$|JEST_|https?_proxy$|all_proxy$|no_proxy$)/i.test(
          name,
        ),
    ),
  );
}

/** Starts processes for one test file and kills them all in `close`. */
export class Processes {
  readonly #all: TestProcess[] = [];
  /**
   * Replaces the user's state folder. Created lazily, so that a file with only skipped tests leaves
   * none.
   */
  #state: string | undefined;

  start(
    command: readonly string[],
    options?: ConstructorParameters<typeof TestProcess>[1],
  ): TestProcess {
    this.#state ??= mkdtempSync(join(tmpdir(), 'arctun-state-'));
    // For root, `auto` would create an interface on this machine.
    const env = {
      XDG_STATE_HOME: this.#state,
      RUNTIME_DIRECTORY: join(this.#state, 'run'),
      ARCTUN_MODE: 'userspace',
      ...options?.env,
    };
    const started = new TestProcess(command, { ...options, env });
    this.#all.push(started);
    return started;
  }

  /** Runs a command to completion. */
  run(
    command: readonly string[],
    options?: ConstructorParameters<typeof TestProcess>[1],
  ): Promise<Finished> {
    return this.start(command, options).finished;
  }

  async close(): Promise<void> {
    for (const one of this.#all) {
      one.kill('SIGCONT');
      one.kill('SIGKILL');
    }
    await Promise.all(this.#all.map((one) => one.finished));
    if (this.#state !== undefined) rmSync(this.#state, { recursive: true, force: true });
  }
}
