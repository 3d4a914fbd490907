/**
 * The folder that main and post share. Everything that post needs is in this folder, so that post
 * can finish the job of a main that was killed at any moment.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class JobFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get arcJson(): string {
    return join(this.path, 'arc.json');
  }

  create(): void {
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Whether an `arctun bootstrap` has written arc.json. */
  hasSim(): boolean {
    return existsSync(this.arcJson);
  }

  /** Whether an `arctun bootstrap` is running, or was killed, after which a SIM may exist. */
  hasJournal(): boolean {
    return existsSync(join(this.path, '.arc.json.bootstrap'));
  }

  /**
   * Creates an empty arc.json. A bootstrap writes its journal, then checks that arc.json does not
   * exist, and only then creates a SIM. So if there is no journal after this call, no bootstrap can
   * create a SIM later.
   *
   * @returns false if arc.json exists
   */
  blockCreation(): boolean {
    try {
      writeFileSync(this.arcJson, '', { flag: 'wx', mode: 0o600 });
      return true;
    } catch {
      return false;
    }
  }

  unblockCreation(): void {
    rmSync(this.arcJson, { force: true });
  }

  /** Returns the SIM's private key; undefined if arc.json has none. */
  privateKey(): string | undefined {
    try {
      const { privateKey } = JSON.parse(readFileSync(this.arcJson, 'utf8')) as Record<
        string,
        unknown
      >;
      return typeof privateKey === 'string' && privateKey !== '' ? privateKey : undefined;
    } catch {
      return undefined;
    }
  }

  file(name: string): string {
    return join(this.path, name);
  }

  read(name: string): string {
    try {
      return readFileSync(this.file(name), 'utf8');
    } catch {
      return '';
    }
  }

  write(name: string, text: string): void {
    writeFileSync(this.file(name), text, { mode: 0o600 });
  }
}
