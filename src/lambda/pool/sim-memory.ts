import type { Files } from '../../ports/files.js';

/**
 * Which virtual SIM of the pool this environment has used last. Lambda starts us anew where a function
 * has hung or died, and keeps the environment's /tmp.
 */
export class SimMemory {
  readonly #path: string;
  readonly #files: Pick<Files, 'readText' | 'replaceText'>;

  constructor(path: string, files: Pick<Files, 'readText' | 'replaceText'>) {
    this.#path = path;
    this.#files = files;
  }

  /** What was kept; undefined where nothing was, or it cannot be read. */
  async read(): Promise<string | undefined> {
    return this.#files.readText(this.#path).catch(() => undefined);
  }

  /** Kept soon, or not: nothing but time is lost without it. */
  write(name: string): void {
    this.#files.replaceText(this.#path, name).catch(() => undefined);
  }
}
