/** A wall clock that a test moves, for processes under test: libfaketime, by LD_PRELOAD. */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDERS = ['/usr/lib', '/usr/local/lib', '/usr/lib64'];

/** Debian has it in the folder of its architecture. */
export function faketimeLibrary(): string | undefined {
  for (const folder of FOLDERS.filter((path) => existsSync(path))) {
    for (const name of ['', ...readdirSync(folder)]) {
      const path = join(folder, name, 'faketime', 'libfaketimeMT.so.1');
      if (existsSync(path)) return path;
    }
  }
  return undefined;
}

export class FakeWallClock {
  /** What the process needs. Monotonic clocks and timers go on as they are. */
  readonly env: NodeJS.ProcessEnv;
  readonly #path: string;

  /** @param folder for the file that holds the offset */
  constructor(folder: string) {
    this.#path = join(folder, 'faketime');
    this.set(0);
    this.env = {
      LD_PRELOAD: faketimeLibrary(),
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
      FAKETIME_TIMESTAMP_FILE: this.#path,
    };
  }

  /** Seconds by which the clock is ahead of the true one; by rename, so that none reads half of it. */
  set(offset: number): void {
    const next = `${this.#path}.next`;
    writeFileSync(next, `${offset < 0 ? '' : '+'}${offset}s\n`);
    renameSync(next, this.#path);
  }
}
