/** Parses values in the entries of a wg-quick configuration, and collects faults and notes. */
import type { ArcConfigFault } from '../arc-config-error.js';
import { shownText } from '../json/shown-value.js';
import type { WgQuickEntry, WgQuickKey, WgQuickSection } from './wg-quick-config.js';

/** A setting that arc.json stores differently, or cannot store. */
export interface ImportNote {
  readonly line: number;
  /** The key, spelled as in the configuration. */
  readonly key: string;
  readonly message: string;
}

const HIDDEN: readonly (WgQuickKey | undefined)[] = ['PrivateKey', 'PublicKey', 'PresharedKey'];

export class EntryReader {
  readonly faults: ArcConfigFault[];
  readonly notes: ImportNote[] = [];

  constructor(faults: readonly ArcConfigFault[]) {
    this.faults = [...faults];
  }

  /** If a key is repeated, returns its last entry, as WireGuard does. */
  last(entries: readonly WgQuickEntry[], name: WgQuickKey): WgQuickEntry | undefined {
    const found = entries.filter(({ key }) => key === name);
    const last = found.pop();
    for (const entry of found)
      this.note(entry, `dropped, because line ${last?.line ?? 0} sets this key again`);
    return last;
  }

  /** Returns the items of a key that may occur several times, each time with several items. */
  items(entries: readonly WgQuickEntry[], name: WgQuickKey): WgQuickEntry[] {
    return entries
      .filter(({ key }) => key === name)
      .flatMap((entry) => entry.value.split(/[\s,]+/).map((value) => ({ ...entry, value })))
      .filter(({ value }) => value !== '');
  }

  parsed<T>(
    entry: WgQuickEntry,
    syntax: { parse: (text: string) => T | undefined; expected: string },
  ): T | undefined {
    const value = syntax.parse(entry.value);
    if (value === undefined) {
      const { line, key, name: keyPath } = entry;
      const found = shownText(entry.value, HIDDEN.includes(key));
      this.faults.push({ line, keyPath, found, expected: syntax.expected });
    }
    return value;
  }

  /** Parses a required key of a section. The caller reports a missing section. */
  required<T>(
    entries: readonly WgQuickEntry[],
    name: WgQuickKey,
    section: WgQuickSection | undefined,
    syntax: { parse: (text: string) => T | undefined; expected: string },
  ): T | undefined {
    const entry = this.last(entries, name);
    if (entry === undefined) this.missing(section, name, syntax.expected);
    return entry && this.parsed(entry, syntax);
  }

  missing(section: WgQuickSection | undefined, keyPath: string, expected: string): void {
    if (section) this.faults.push({ line: section.line, keyPath, found: 'nothing', expected });
  }

  note({ line, name }: WgQuickEntry, message: string): void {
    this.notes.push({ line, key: name, message });
  }
}
