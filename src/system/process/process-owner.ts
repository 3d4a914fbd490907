/** Records in a file which process uses the file. */
import { readFile } from 'node:fs/promises';

import { codeOf } from '../../lib/errors/error-message.js';

/** The fixed length of an owner line in bytes, so that another line can replace it. */
export const OWNER_LENGTH = 128;

/** Returns the line that identifies this process, including its line break. */
export async function ownerLine(): Promise<string> {
  const text = `${process.pid} ${await startOf(process.pid)}`;
  return `${text.padEnd(OWNER_LENGTH - 1).slice(0, OWNER_LENGTH - 1)}\n`;
}

/** Whether the string has the format of `ownerLine()`, for any process. */
export function isOwnerLine(text: string): boolean {
  return text.length === OWNER_LENGTH && /^\d+ [^\n]*\n$/.test(text);
}

/**
 * @param line the owner line without its line break and padding
 * @returns the process ID if the owner is another, running process
 */
export async function runningOwner(line: string): Promise<number | undefined> {
  const [id = '', ...start] = line.split(' ');
  const pid = Number(id);
  if (!(pid > 0) || pid === process.pid || !isAlive(pid)) return undefined;
  // Compare the start, because the ID may have been reused, or come from another machine or
  // container.
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

/**
 * Returns a string that distinguishes a process from later ones with the same ID (proc_pid_stat(5),
 * field 22). The process starts with its first thread, so this reads that thread's file: the user
 * mode of qemu replaces a process's own /proc/PID/stat, and reports a different start in each thread.
 */
async function startOf(pid: number): Promise<string> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/task/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${boot.trim()} ${ticks}`;
  } catch {
    return '';
  }
}
