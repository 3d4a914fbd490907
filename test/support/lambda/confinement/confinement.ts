/** What holds a sandbox's processes: a root of their own, another user, a memory limit. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { MemoryLimit } from './memory-limit.js';
import { type Bind, PrivateRoot } from './private-root.js';

export interface ConfinementOptions {
  /** What a root of the sandbox's own shows beside the system; undefined for the machine's root. */
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

  /** @throws Error where this user or machine cannot do what is asked */
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
   * The command with what puts it there in front. It ends with this process, however that ends.
   *
   * @param preload LD_PRELOAD for the command alone: libfaketime in those before it, as root, would leave
   *   a semaphore that the sandbox's user may not open
   */
  wrap(command: readonly string[], cwd: string, preload: string | undefined): string[] {
    return [
      ...(this.#memory?.enter() ?? []),
      ...(this.#root?.enter() ?? []),
      ...['setpriv', '--pdeathsig', 'KILL', ...this.#user],
      // The shell that enters the cgroup exports its own.
      ...['env', '-u', 'PWD', '-u', 'OLDPWD', '-C', cwd],
      ...(preload === undefined ? [] : [`LD_PRELOAD=${preload}`]),
      ...command,
    ];
  }

  /** To be called when the processes are gone. */
  async close(): Promise<void> {
    await this.#root?.close();
    await this.#memory?.close();
  }
}
