/** Runs programs without a shell and with a time limit. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

import { whileWaiting } from '../../lib/waits.js';
import {
  CommandError,
  type CommandFailure,
  type CommandResult,
  type CommandRunner,
  type RunOptions,
} from '../../ports/command-runner.js';

/** The default time limit of a command in milliseconds. */
const TIMEOUT = 30_000;
/** The time between SIGTERM and SIGKILL, in milliseconds. */
const GRACE = 2_000;
/** The limit in bytes for each of standard output and standard error. */
const MAX_OUTPUT = 1 << 20;

/**
 * Runs the operating system's programs. A stopped program gets SIGTERM, and SIGKILL 2 s later.
 * `run` rejects with the abort reason when its signal aborts.
 */
export const systemCommands: CommandRunner = createCommandRunner(GRACE);

/** @param grace milliseconds between SIGTERM and SIGKILL */
export function createCommandRunner(grace: number): CommandRunner {
  return { run: (command, options = {}) => run(command, options, grace), check };
}

async function check(path: string): Promise<CommandError | undefined> {
  if (!path.includes('/')) return undefined;
  try {
    await access(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return startError(path, error);
  }
}

async function run(
  command: readonly string[],
  options: RunOptions,
  grace: number,
): Promise<CommandResult> {
  const { timeout = TIMEOUT, signal } = options;
  signal?.throwIfAborted();
  const [program = '', ...parameters] = command;
  const child = start(program, parameters, options);
  const running = new RunningCommand(program, child, grace, options);
  const timer = setTimeout(() => {
    running.stop(new CommandError('timeout', `${program} did not exit within ${timeout / 1000} s`));
  }, timeout);
  return whileWaiting(running.result, signal, () => running.stop(signal?.reason)).finally(() =>
    clearTimeout(timer),
  );
}

type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

function start(program: string, parameters: readonly string[], options: RunOptions): Child {
  const { ownGroup, input } = options;
  try {
    // Keep the program in this process's group and session, so that a password manager can prompt
    // on the terminal.
    const child = spawn(program, parameters, {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      windowsHide: true,
      env: environmentOf(options),
      detached: ownGroup === true,
    });
    // A program may exit without reading its input.
    child.stdin?.on('error', () => undefined).end(input);
    return child as Child;
  } catch (error) {
    // spawn() throws synchronously for an empty name, a NUL byte, or a long command line.
    throw startError(program, error);
  }
}

function environmentOf({ environment, withoutVariables }: RunOptions): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name, value]) => withoutVariables?.(name, value ?? '') !== true,
  );
  return { ...Object.fromEntries(inherited), ...environment };
}

class RunningCommand {
  readonly result: Promise<CommandResult>;
  readonly #program: string;
  readonly #child: Child;
  readonly #group: number | undefined;
  readonly #output: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  readonly #grace: number;
  #resolve!: (result: CommandResult) => void;
  #reject!: (reason: unknown) => void;
  #stopped: { readonly reason: unknown } | undefined;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(program: string, child: Child, grace: number, options: RunOptions) {
    this.#program = program;
    this.#child = child;
    this.#group = options.ownGroup === true ? child.pid : undefined;
    if (this.#group !== undefined) processGroups.add(this.#group);
    this.#grace = grace;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (options.mergedOutput === undefined) {
      this.#collect('stdout');
      this.#collect('stderr');
    } else {
      this.#merge(options.mergedOutput);
    }
    child.once('error', (error) => this.#reject(startError(program, error)));
    child.once('close', (exitCode, signal) => this.#close(exitCode, signal));
  }

  /**
   * Ends the program. `result` rejects with `reason` when the program has ended or the wait for its
   * end is over.
   */
  stop(reason: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = { reason };
    this.#kill('SIGTERM');
    this.#killTimer = setTimeout(() => {
      this.#kill('SIGKILL');
      this.#forgetGroup();
      // Destroy the outputs, because the program's children may keep them open forever.
      this.#child.stdout.destroy();
      this.#child.stderr.destroy();
      this.#child.unref();
      this.#reject(reason);
    }, this.#grace);
  }

  #kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#group === undefined) this.#child.kill(signal);
    else signalGroup(this.#group, signal);
  }

  #forgetGroup(): void {
    if (this.#group !== undefined) processGroups.delete(this.#group);
  }

  #collect(name: 'stdout' | 'stderr'): void {
    let length = 0;
    this.#child[name].on('data', (chunk: Buffer) => {
      if (this.#stopped !== undefined) return;
      length += chunk.length;
      if (length <= MAX_OUTPUT) this.#output[name].push(chunk);
      else
        this.stop(new CommandError('too-much-output', `${this.#program} printed too much output`));
    });
  }

  #merge(limit: number): void {
    let room = limit;
    const take = (chunk: Buffer) => {
      const kept = chunk.subarray(0, room);
      room -= kept.length;
      if (kept.length > 0) this.#output.stdout.push(kept);
    };
    this.#child.stdout.on('data', take);
    this.#child.stderr.on('data', take);
  }

  #close(exitCode: number | null, signal: string | null): void {
    clearTimeout(this.#killTimer);
    if (this.#stopped !== undefined) {
      // Kill the program's children, which may still be running although the outputs are closed.
      if (this.#group !== undefined) this.#kill('SIGKILL');
      this.#reject(this.#stopped.reason);
    } else {
      const stdout = Buffer.concat(this.#output.stdout).toString('utf8');
      const stderr = Buffer.concat(this.#output.stderr).toString('utf8');
      const ended = signal === null ? {} : { signal };
      this.#resolve({ exitCode: exitCode ?? undefined, ...ended, stdout, stderr });
    }
    this.#forgetGroup();
  }
}

const START_FAILURES: Readonly<Record<string, readonly [CommandFailure, string]>> = {
  ENOENT: ['not-found', 'the program was not found'],
  EACCES: ['denied', 'the program is not executable'],
  EPERM: ['denied', 'the program is not executable'],
};

export function startError(program: string, error: unknown): CommandError {
  const { code: reported = '' } = error as NodeJS.ErrnoException;
  const code = reported === 'EACCES' && isMissing(program) ? 'ENOENT' : reported;
  // Do not use the error's message or set it as the cause: it quotes the whole command line.
  const [failure, reason] = START_FAILURES[code] ?? [
    'failed',
    `the program cannot be started (${code})`,
  ];
  return new CommandError(failure, `${program}: ${reason}`);
}

/**
 * Whether no folder of PATH contains the program. execvp(3) then reports EACCES if PATH contains a
 * folder that this user must not search, but a shell then searches the next folder.
 */
function isMissing(program: string): boolean {
  if (program.includes('/')) return false;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return !folders.some((folder) => existsSync(join(folder, program)));
}

/** The running groups, each as the process ID of its leader. */
export const processGroups = new Set<number>();

/** Sends a signal to every process in a group; a group that has ended is not an error. */
export function signalGroup(group: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    // Windows has no process groups, so only the leader is ended there.
    process.kill(process.platform === 'win32' ? group : -group, signal);
  } catch {
    // Ignore an error: the group is empty, or this process may not signal it.
  }
}

export function killGroups(): void {
  for (const group of processGroups) signalGroup(group, 'SIGKILL');
  processGroups.clear();
}
