/** Runs the arctun command as child processes that outlive the action's own process. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { JobFolder } from './job-folder.js';

/** The interval of checks for another process, in milliseconds. */
const INTERVAL = 100;

export interface CommandOptions {
  /** The program and its first arguments. */
  readonly arctun: readonly string[];
  readonly folder: JobFolder;
  readonly env: Readonly<Record<string, string>>;
}

/** A started command. Its output is in the files NAME.out and NAME.log of the folder. */
export interface StartedCommand {
  /** Null if a signal ended the command. */
  readonly exited: Promise<number | null>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Lets this process exit before the command. */
  detach(): void;
}

/**
 * Starts a command in its own process group. The runner kills a cancelled step, and a killed
 * bootstrap could leave a SIM that has no tags yet. Output goes to files, because pipes would break.
 */
export function startCommand(
  name: string,
  words: readonly string[],
  { arctun, folder, env }: CommandOptions,
): StartedCommand {
  const [out, log] = [`${name}.out`, `${name}.log`];
  const files = [out, log].map((file) => openSync(folder.file(file), 'w', 0o600));
  const [program = '', ...first] = arctun;
  const child = spawn(program, [...first, ...words], {
    cwd: folder.path,
    env,
    detached: true,
    stdio: ['ignore', ...files],
  });
  if (child.pid !== undefined) folder.write(`${name}.pid`, String(child.pid));
  for (const file of files) closeSync(file);
  return {
    exited: exitOf(child),
    stdout: () => folder.read(out),
    stderr: () => folder.read(log),
    detach: () => child.unref(),
  };
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

/**
 * Waits until the process that `startCommand` started has ended, in whichever process that was.
 *
 * @returns false if it is still running after `timeout` milliseconds
 */
export async function waitForEnd(
  name: string,
  folder: JobFolder,
  timeout: number,
): Promise<boolean> {
  const until = Date.now() + timeout;
  while (runningPid(name, folder) !== undefined) {
    if (Date.now() > until) return false;
    await sleep(INTERVAL);
  }
  return true;
}

/** Sends a signal to a command if it is running. */
export function signalCommand(name: string, folder: JobFolder, signal: NodeJS.Signals): void {
  const pid = runningPid(name, folder);
  try {
    if (pid !== undefined) process.kill(pid, signal);
  } catch {
    // The process has just ended.
  }
}

/** Returns the process ID of a command if it is running. */
function runningPid(name: string, folder: JobFolder): number | undefined {
  const pid = Number(folder.read(`${name}.pid`));
  // Process IDs are reused, but only the own commands have the folder in their command line.
  return pid > 0 && commandLineOf(pid).includes(folder.path) ? pid : undefined;
}

/** Returns the command line of a process; empty if it has ended. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    if (process.platform === 'linux') return '';
    return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
  }
}
