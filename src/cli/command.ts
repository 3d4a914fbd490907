import type { Flags } from './flags/flag.js';

/** The declaration of a command, shared by every command line that offers it. */
export interface CommandDeclaration {
  readonly description: string;
  /** Other names of the command, omitted from the help. */
  readonly hiddenAliases?: readonly string[];
  readonly examples: readonly string[];
  /** The arguments of the command; all are optional. */
  readonly args?: Readonly<Record<string, Argument>>;
  readonly flags: Flags;
}

export interface Argument {
  readonly description: string;
}
