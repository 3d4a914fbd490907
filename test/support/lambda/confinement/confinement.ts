/** Confines a sandbox's processes: a private root, another user, a memory limit. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { MemoryLimit } from './memory-limit.js';
import { type Bind, PrivateRoot } from './private-root.js';

export interface ConfinementOptions {
  /** The mounts of a private root in addition to the system's; undefined for the machine's root. */
  readonly binds: readonly Bind[] | undefined;
  readonly uid: number | undefined;
  readonly memoryLimitMb: number | undefined;
}

export class Confinement {
  readonly #root: PrivateRoot | undefined;
  readonly #memory: MemoryLimit | undefined;
  readonly #user: readonly string[];

  private constructor(
    root: PrivateRoot | undefined,
    memory: MemoryLimit | undefined,
    user: readonly string[],
  ) {
    this.#root = root;
    this.#memory = memory;
    this.#user = user;
  }

  /** @throws Error if this user or machine does not support the options */
  static async make(folder: string, options: ConfinementOptions): Promise<Confinement> {
    const { binds, uid, memoryLimitMb } = options;
    const memory = memoryLimitMb === undefined ? undefined : new MemoryLimit(memoryLimitMb);
    let root: PrivateRoot | undefined;
    if (binds !== undefined) {
      const place = join(folder, 'root');
      mkdirSync(place);
      root = await PrivateRoot.make(place, binds).catch(async (error: unknown) => {
        await memory?.close();
        throw error;
      });
    }
    const user =
      uid === undefined
        ? []
        : [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs'];
    return new Confinement(root, memory, user);
  }

  /**
   * Prefixes a command so that it runs confined. The command ends when this process ends.
   *
   * @param preload LD_PRELOAD for the command only: libfaketime in the prefix commands, run by
   * root, would create a semaphore that the sandbox's user cannot open
   */
  wrap(command: readonly string[], cwd: string, preload: string | undefined): string[] {
    return [
      ...(this.#memory?.enter() ?? []),
      ...(this.#root?.enter() ?? []),
      ...['setpriv', '--pdeathsig', 'KILL', ...this.#user],
      // The shell that enters the cgroup exports its own values.
      ...['env', '-u', 'PWD', '-u', 'OLDPWD', '-C', cwd],
      ...(preload === undefined ? [] : [`LD_PRELOAD=${preload}`]),
      ...command,
    ];
  }

  /** Call this after the processes have exited. */
  async close(): Promise<void> {
    await this.#root?.close();
    await this.#memory?.close();
  }
}
