/** A root folder that contains only what a test copies into it. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Processes, TestProcess } from '../processes.js';

/** A user who is not in any file of the root. */
const NOBODY = 65532;
/** By its path, because PATH is that of the root. */
const CHROOT = '/usr/sbin/chroot';
/** The only folder in which the user can write. */
export const WRITABLE = '/run';

export class EmptyRoot {
  readonly path: string;
  readonly #processes: Processes;

  /** @param path an empty folder */
  constructor(path: string, processes: Processes) {
    this.path = path;
    this.#processes = processes;
    chmodSync(path, 0o755);
    const writable = join(path, WRITABLE);
    mkdirSync(writable, { mode: 0o700 });
    chownSync(writable, NOBODY, NOBODY);
  }

  /** Copies a program, and the libraries that ldd lists. */
  addProgram(from: string, to = from): void {
    this.add(from, to);
    const libraries = execFileSync('ldd', [from], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
    for (const library of libraries.filter((each) => each.startsWith('/lib'))) this.add(library);
  }

  /** Copies a file, or what a link refers to. */
  add(from: string, to = from): void {
    copyFileSync(from, this.#place(to));
  }

  /** Writes a program or a library. */
  write(path: string, content: Uint8Array): void {
    writeFileSync(this.#place(path), content, { mode: 0o755 });
  }

  addFolder(from: string, to = from): void {
    cpSync(from, this.#place(to), { recursive: true });
  }

  /** Runs a program of the root as an unnamed user, without the variables of the test. */
  start(command: readonly string[], env: NodeJS.ProcessEnv = {}): TestProcess {
    const variables = {
      ...{ HOME: WRITABLE, TMPDIR: WRITABLE, RUNTIME_DIRECTORY: WRITABLE },
      ...{ XDG_STATE_HOME: `${WRITABLE}/state`, PATH: '/usr/bin' },
      ...env,
    };
    const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const enter = [CHROOT, `--userspec=${NOBODY}:${NOBODY}`, '--groups=', this.path];
    return this.#processes.start(['env', '-i', ...settings, ...enter, ...command], { cwd: '/' });
  }

  #place(path: string): string {
    const place = join(this.path, path);
    mkdirSync(dirname(place), { recursive: true });
    return place;
  }
}
