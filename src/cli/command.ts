import type { Flags } from './flags/flag.js';

/** What a command is, for each command line that has it. */
export interface CommandDeclaration {
  readonly description: string;
  /** Other names, which no help tells. */
  readonly hiddenAliases?: readonly string[];
  readonly examples: readonly string[];
  /** Each may be left out. */
  readonly args?: Readonly<Record<string, Argument>>;
  readonly flags: Flags;
}

export interface Argument {
  readonly description: string;
}
