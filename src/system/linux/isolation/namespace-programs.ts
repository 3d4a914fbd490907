/** Finds and kills the programs in a network namespace. */
import { readlinkSync } from 'node:fs';
import { type FileHandle, open, readdir, readlink } from 'node:fs/promises';

import type { HeldNetwork } from '../../../ports/isolation.js';

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
        // Another program may have got the ID of a process that has ended.
        if (readlinkSync(`${proc}/${pid}/ns/net`) === network) kill(pid);
      } catch {
        // The process has just ended.
      }
    }
  }
}

/**
 * Holds a network namespace by one of its processes: the kernel reuses the ID of a namespace that has
 * ended, whose new programs must not be killed.
 */
export async function holdNetwork(network: string): Promise<HeldNetwork | undefined> {
  const handle = await openNetwork(network);
  if (handle === undefined) return undefined;
  return { endPrograms: () => endPrograms(network).finally(() => handle.close()) };
}

async function openNetwork(network: string): Promise<FileHandle | undefined> {
  for (const pid of await programsIn(network, '/proc')) {
    const handle = await open(`/proc/${pid}/ns/net`).catch(() => undefined);
    if (handle === undefined) continue;
    const { ino } = await handle.stat();
    if (network === `net:[${ino}]`) return handle;
    await handle.close();
  }
  return undefined;
}

async function programsIn(network: string, proc: string): Promise<readonly number[]> {
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name)).map(Number);
  const networks = await Promise.all(
    // Other users' processes and those that have just ended are unreadable.
    pids.map((pid) => networkOf(pid, proc).catch(() => undefined)),
  );
  return pids.filter((_pid, index) => networks[index] === network);
}
