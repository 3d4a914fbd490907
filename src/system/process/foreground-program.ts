/** Runs a program in place of this process: same standard streams, signals passed on. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

import type { ForegroundPrograms } from '../../ports/command-runner.js';
import { startError } from './command-runner.js';
import { passSignals } from './signals.js';

export const foregroundPrograms: ForegroundPrograms = {
  run: (command, environment) => run(command, environment),
};

/** The offset that shells add to a signal's number. */
const SIGNAL_OFFSET = 128;

/** @param hasTerminal whether a terminal sends its signals to the program directly */
export async function run(
  [program = '', ...parameters]: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  hasTerminal = isInForeground,
): Promise<number> {
  useOutput();
  let child: ChildProcess | undefined;
  // The program may be signalled, and this process with it, before spawn() returns.
  const stop = passSignals((name) => {
    // Ctrl-C and Ctrl-\ reach every process in the terminal's foreground group.
    const isFromTerminal = (name === 'SIGINT' || name === 'SIGQUIT') && hasTerminal();
    if (!isFromTerminal) child?.kill(name);
  });
  try {
    child = start(program, parameters, { ...process.env, ...environment });
    return await exitStatus(program, child);
  } finally {
    stop();
  }
}

function start(
  program: string,
  parameters: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ChildProcess {
  try {
    return spawn(program, parameters, { stdio: 'inherit', env });
  } catch (error) {
    // spawn() throws synchronously for an empty name, a NUL byte, or a long command line.
    throw startError(program, error);
  }
}

/**
 * At the first use of process.stdout, such as in stream.pipe(), Node.js makes a pipe non-blocking, also
 * for the program, which may then fail to write. spawn() makes the pipe blocking again, so the first
 * use must come before.
 */
function useOutput(): readonly unknown[] {
  return [process.stdout, process.stderr];
}

function exitStatus(program: string, child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      // The same event reports that a signal could not be sent.
      if (child.pid === undefined) reject(startError(program, error));
    });
    child.once('exit', (code, signal) => {
      resolve(code ?? SIGNAL_OFFSET + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** Whether this process is in the foreground process group of its terminal. */
export function isInForeground(
  stat: () => string = () => readFileSync('/proc/self/stat', 'utf8'),
): boolean {
  try {
    // proc_pid_stat(5): after "PID (NAME)" come state, ppid, pgrp, session, tty_nr and tpgid.
    const text = stat();
    const [, , group, , , foreground] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  }
}
