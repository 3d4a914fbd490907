/** A disk in memory that a kill or a power failure interrupts at a chosen step. */
import { FileError } from '../../../../src/ports/files.js';
import type { SpoolFolder } from '../../../../src/ports/stores/spool-folder.js';

interface Inode {
  readonly bytes: Uint8Array;
  isSynced: boolean;
}

type Names = Map<string, Inode>;

/** Thrown by every step after the process has ended. */
export class Killed extends Error {}

export class LosingDisk implements SpoolFolder {
  readonly path = '/spool';
  readonly identity = '1:2';
  /** The number of steps until the process is killed. */
  stepsLeft = Infinity;
  #names: Names = new Map();
  #saved: Names = new Map();
  /** Changes of names that are not saved yet, in order. */
  #pending: ((names: Names) => void)[] = [];

  /** The process has ended, and another one starts. */
  restart(): void {
    this.stepsLeft = Infinity;
  }

  /** Power fails: of the changes that were not synced, only the first `survivors` remain. */
  losePower(survivors: number): void {
    for (const change of this.#pending.slice(0, survivors)) change(this.#saved);
    this.#pending = [];
    const lost: Names = new Map();
    for (const [name, { bytes, isSynced }] of this.#saved) {
      lost.set(name, { bytes: isSynced ? bytes : new Uint8Array(), isSynced: true });
    }
    this.#saved = lost;
    this.#names = new Map(lost);
  }

  /** The files that a power failure would leave. */
  get saved(): readonly { readonly name: string; readonly bytes: Uint8Array }[] {
    return [...this.#saved].flatMap(([name, { bytes, isSynced }]) =>
      isSynced ? [{ name, bytes }] : [],
    );
  }

  get pending(): number {
    return this.#pending.length;
  }

  async list(): Promise<readonly string[]> {
    await this.#alive();
    return [...this.#names.keys()];
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    await this.#alive();
    return this.#names.get(name)?.bytes;
  }

  async create(name: string, bytes: Uint8Array): Promise<void> {
    await this.#step();
    if (this.#names.has(name)) throw new Error('EEXIST');
    const inode = { bytes, isSynced: false };
    this.#change((names) => names.set(name, inode));
  }

  async sync(name: string): Promise<void> {
    await this.#step();
    const inode = this.#names.get(name);
    if (inode === undefined) throw new FileError('absent', name, 'no such file');
    inode.isSynced = true;
  }

  async rename(from: string, to: string): Promise<boolean> {
    await this.#step();
    if (!this.#names.has(from)) return false;
    this.#change((names) => {
      const inode = names.get(from);
      if (inode === undefined) return;
      names.delete(from);
      names.set(to, inode);
    });
    return true;
  }

  async remove(name: string): Promise<boolean> {
    await this.#step();
    if (!this.#names.has(name)) return false;
    this.#change((names) => names.delete(name));
    return true;
  }

  async syncNames(): Promise<void> {
    await this.#step();
    for (const change of this.#pending) change(this.#saved);
    this.#pending = [];
  }

  #change(change: (names: Names) => void): void {
    change(this.#names);
    this.#pending.push(change);
  }

  async #step(): Promise<void> {
    await this.#alive();
    this.stepsLeft--;
  }

  async #alive(): Promise<void> {
    await Promise.resolve();
    if (this.stepsLeft <= 0) throw new Killed('the process was killed');
  }
}
