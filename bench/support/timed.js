/** The time that a command takes, from the kernel's accounting. */
import { spawnSync } from 'node:child_process';

/** Runs a command; returns its wall-clock time and its CPU time (user and system) in seconds. */
export function runTimed(command, env = process.env) {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null';
  const words = ['-c', script, 'time', ...command];
  const { status, stderr } = spawnSync('/bin/bash', words, { encoding: 'utf8', env });
  if (status !== 0) throw new Error(stderr);
  const [wall, user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { wall, cpu: user + system };
}
