/** A cgroup, version 1 or 2, that limits the total memory of a sandbox's processes. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const VERSION_1 = '/sys/fs/cgroup/memory';
const VERSION_2 = '/sys/fs/cgroup';

/** The number of attempts to remove the group, which fails until its last process is gone. */
const REMOVAL_TRIES = 50;

let serial = 0;

/** The reason why no memory limit can be set on this machine; undefined if one can. */
export function memoryLimitObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'a memory cgroup takes root';
  if (existsSync(join(VERSION_1, 'memory.limit_in_bytes'))) return undefined;
  const controllers = join(VERSION_2, 'cgroup.subtree_control');
  if (!existsSync(controllers)) return 'no cgroup file system is mounted';
  if (readFileSync(controllers, 'utf8').includes('memory')) return undefined;
  try {
    writeFileSync(controllers, '+memory');
    return undefined;
  } catch (error) {
    return `cgroup version 2 gives no memory controller here: ${(error as Error).message}`;
  }
}

export class MemoryLimit {
  readonly #folder: string;

  /** @throws Error with the reason from memoryLimitObstacle, if any */
  constructor(megabytes: number) {
    const obstacle = memoryLimitObstacle();
    if (obstacle !== undefined) throw new Error(obstacle);
    const isFirst = existsSync(join(VERSION_1, 'memory.limit_in_bytes'));
    this.#folder = join(
      isFirst ? VERSION_1 : VERSION_2,
      `arctun-sandbox-${process.pid}-${serial++}`,
    );
    mkdirSync(this.#folder);
    const bytes = String(megabytes * 1024 * 1024);
    this.#set(isFirst ? 'memory.limit_in_bytes' : 'memory.max', bytes);
    // Lambda has no swap, so the limit has to include it.
    const swap = isFirst ? 'memory.memsw.limit_in_bytes' : 'memory.swap.max';
    if (existsSync(join(this.#folder, swap))) this.#set(swap, isFirst ? bytes : '0');
  }

  /** The prefix that makes a command run under the limit. */
  enter(): string[] {
    const script = 'echo $$ >"$1"; shift; exec "$@"';
    return ['sh', '-c', script, 'sh', join(this.#folder, 'cgroup.procs')];
  }

  async close(): Promise<void> {
    for (let tries = 0; existsSync(this.#folder) && tries < REMOVAL_TRIES; tries++) {
      try {
        rmdirSync(this.#folder);
      } catch {
        await sleep(20);
      }
    }
  }

  #set(file: string, value: string): void {
    writeFileSync(join(this.#folder, file), value);
  }
}
