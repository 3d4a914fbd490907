/** Finds and kills the programs in a network namespace. */
import { readdir, readlink } from 'node:fs/promises';

/** How often to look for programs that have just been started. */
const MAX_ROUNDS = 50;

/** Returns the ID of a network namespace, such as `net:[4026531840]`. */
export function networkOf(pid: number | 'self', proc = '/proc'): Promise<string> {
  return readlink(`${proc}/${pid}/ns/net`);
}

/** Kills all programs in the namespace except this process, until none is left. */
export async function endPrograms(
  network: string,
  {
    proc = '/proc',
    kill = (pid: number): void => void process.kill(pid, 'SIGKILL'),
    self = process.pid,
  } = {},
): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const pids = await programsIn(network, proc);
    const others = pids.filter((pid) => pid !== self);
    if (others.length === 0) return;
    for (const pid of others) {
      try {
        kill(pid);
      } catch {
        // The process has just ended.
      }
    }
  }
}

async function programsIn(network: string, proc: string): Promise<readonly number[]> {
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name)).map(Number);
  const networks = await Promise.all(
    // Other users' processes and those that have just ended are unreadable.
    pids.map((pid) => networkOf(pid, proc).catch(() => undefined)),
  );
  return pids.filter((_pid, index) => networks[index] === network);
}
