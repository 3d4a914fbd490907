/** Flags, as oclif's, and the types of their values. */
import type { Interfaces } from '@oclif/core';
import * as Oclif from '@oclif/core/flags';

export { boolean, integer, option as choice, string as textOrEmpty } from '@oclif/core/flags';

/** Refuses an empty value, which often comes from an unset shell variable. */
function parse(value: string): Promise<string> {
  return value === '' ? Promise.reject(new Error('the value is empty')) : Promise.resolve(value);
}

export const text = Oclif.custom({ parse });

/** A flag that may be repeated. */
export const list = Oclif.custom({
  parse,
  multiple: true,
  // Otherwise, oclif would treat B in `--header A B` as a second header.
  multipleNonGreedy: true,
});

type Help = Partial<Pick<Interfaces.OptionFlag<string>, 'description' | 'helpValue' | 'helpGroup'>>;

/** Returns a flag with another text in the help. */
export function withHelp<Flag extends object>(flag: Flag, help: Help): Flag {
  return { ...flag, ...help };
}

/** Groups flags under a heading of the help. */
export function grouped<Flags extends object>(
  helpGroup: 'GLOBAL' | 'Listener' | 'Logging' | 'SORACOM API' | 'Spool' | 'Tunnel',
  flags: Flags,
): Flags {
  const entries = Object.entries(flags).map(([name, flag]: [string, object]) => [
    name,
    withHelp(flag, { helpGroup }),
  ]);
  return Object.fromEntries(entries) as Flags;
}

/** The values of flags. */
export type FlagValues<Flags> = {
  readonly [Name in keyof Flags]: Flags[Name] extends Interfaces.OptionFlag<infer Value>
    ? Value
    : boolean;
};

export type CommandLineToken =
  { readonly type: 'flag'; readonly flag: string } | { readonly type: 'arg' };

export interface ParsedLine<Flags> {
  readonly flags: FlagValues<Flags>;
  /**
   * The flags and arguments in the order in which the user typed them, without the values of flags.
   */
  readonly tokens: readonly CommandLineToken[];
}

/** Whether the command line, not the environment, contains a flag. */
export function isGiven(name: string, tokens: readonly CommandLineToken[]): boolean {
  return tokens.some((token) => token.type === 'flag' && token.flag === name);
}
