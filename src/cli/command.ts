import type { Flags } from './flags/flag.js';

/** The declaration of a command, shared by all command lines that offer it. */
export interface CommandDeclaration {
  readonly description: string;
  /** Other names of the command, which the help omits. */
  readonly hiddenAliases?: readonly string[];
  readonly examples: readonly string[];
  /** The arguments of the command; all are optional. */
  readonly args?: Readonly<Record<string, Argument>>;
  readonly flags: Flags;
}

export interface Argument {
  readonly description: string;
}
