import type { Files } from '../../ports/files.js';

/**
 * Remembers the pool's virtual SIM that this environment used last. After a timeout or a crash,
 * Lambda restarts the extension and preserves the environment's /tmp.
 */
export class SimMemory {
  readonly #path: string;
  readonly #files: Pick<Files, 'readText' | 'replaceText'>;

  constructor(path: string, files: Pick<Files, 'readText' | 'replaceText'>) {
    this.#path = path;
    this.#files = files;
  }

  /** Returns the saved name; undefined if none was saved or the file is unreadable. */
  async read(): Promise<string | undefined> {
    return this.#files.readText(this.#path).catch(() => undefined);
  }

  /**
   * Saves the name in the background. A failure is ignored, because its only effect is a slower
   * start.
   */
  write(name: string): void {
    this.#files.replaceText(this.#path, name).catch(() => undefined);
  }
}
