/** A movable wall clock for processes under test, through libfaketime in LD_PRELOAD. */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDERS = ['/usr/lib', '/usr/local/lib', '/usr/lib64'];

/** Returns the library's path; Debian installs it in the folder of the architecture. */
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
  /** The variables that the process needs. Monotonic clocks and timers are unaffected. */
  readonly env: NodeJS.ProcessEnv;
  readonly #path: string;

  /** @param folder the folder for the file with the offset */
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

  /**
   * Sets the clock's offset in seconds. The rename is atomic, so no process reads a partial file.
   */
  set(offset: number): void {
    const next = `${this.#path}.next`;
    writeFileSync(next, `${offset < 0 ? '' : '+'}${offset}s\n`);
    renameSync(next, this.#path);
  }
}
