import type { Journal, Journals, OpenedJournal } from '../../src/ports/stores/journals.js';

/** Journals in memory; every call is recorded, and can be made to fail. */
export class MemoryJournals implements Journals {
  /** By target. */
  readonly lines = new Map<string, string[]>();
  readonly calls: string[] = [];
  /** `append` → the error that it throws. */
  readonly failures = new Map<string, Error>();
  runningProcess: number | undefined;

  create(target: string, line: string): Promise<Journal | undefined> {
    return this.#perform('create', () => {
      if (this.lines.has(target)) return undefined;
      this.lines.set(target, [line]);
      return this.#journal(target);
    });
  }

  open(target: string): Promise<OpenedJournal | undefined> {
    return this.#perform('open', () => {
      const lines = this.lines.get(target);
      if (lines === undefined) return undefined;
      const { runningProcess } = this;
      return { journal: this.#journal(target), lines: [...lines], runningProcess };
    });
  }

  #journal(target: string): Journal {
    return {
      path: `${target}.bootstrap`,
      append: (line) =>
        this.#perform('append', () => {
          this.lines.get(target)?.push(line);
        }),
      remove: () =>
        this.#perform('remove', () => {
          this.lines.delete(target);
        }),
    };
  }

  async #perform<T>(call: string, act: () => T): Promise<T> {
    await Promise.resolve();
    this.calls.push(call);
    const failure = this.failures.get(call);
    if (failure !== undefined) throw failure;
    return act();
  }
}
