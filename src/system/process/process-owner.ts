/** The process that a file names as the one at work with it. */
import { readFile } from 'node:fs/promises';

import { codeOf } from '../../lib/errors/error-message.js';

/** Bytes of the line that names a process, so that another can be put in its place. */
export const OWNER_LENGTH = 128;

/** The line that names this process, with its line end. */
export async function ownerLine(): Promise<string> {
  const text = `${process.pid} ${await startOf(process.pid)}`;
  return `${text.padEnd(OWNER_LENGTH - 1).slice(0, OWNER_LENGTH - 1)}\n`;
}

/** Whether a text is a line as `ownerLine` makes it, whoever made it. */
export function isOwnerLine(text: string): boolean {
  return text.length === OWNER_LENGTH && /^\d+ [^\n]*\n$/.test(text);
}

/**
 * @param line without its end and the spaces before that
 * @returns the id of the process, when it is another one and runs
 */
export async function runningOwner(line: string): Promise<number | undefined> {
  const [id = '', ...start] = line.split(' ');
  const pid = Number(id);
  if (!(pid > 0) || pid === process.pid || !isAlive(pid)) return undefined;
  // The number may be another process's by now, or of another machine or container.
  return (await startOf(pid)) === start.join(' ') ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** What tells a process from a later one of the same number: proc_pid_stat(5), field 22. */
async function startOf(pid: number): Promise<string> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${boot.trim()} ${ticks}`;
  } catch {
    return '';
  }
}
