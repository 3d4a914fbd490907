/** The flags of a command as data. `oclif-flags.ts` declares them to oclif. */

interface AnyFlag {
  /** The short form. */
  readonly char?: 'a' | 'f' | 'H' | 'p' | 'q' | 'X' | 'y';
  readonly description: string;
  /** Where the value comes from when it is not typed; empty is as good as not set. */
  readonly env?: string;
  /** The heading in the help, for what is not the command's own. */
  readonly helpGroup?: string;
  /** The flags that cannot be given with it. */
  readonly exclusive?: readonly string[];
}

interface ValueFlag extends AnyFlag {
  /** What stands for the value in the help. */
  readonly helpValue?: string;
}

export interface StringFlag extends ValueFlag {
  readonly type: 'string';
  readonly default?: string;
  /** What the help calls the default, where it is none for the parser. */
  readonly defaultHelp?: string;
}

/** May be given more than once. */
export interface ListFlag extends ValueFlag {
  readonly type: 'list';
  readonly default?: readonly string[];
}

export interface ChoiceFlag extends ValueFlag {
  readonly type: 'choice';
  readonly options: readonly string[];
  readonly default?: string;
}

export interface IntegerFlag extends ValueFlag {
  readonly type: 'integer';
  readonly min?: number;
  readonly max?: number;
  readonly default?: number;
}

/** False unless it is there. */
export interface BooleanFlag extends AnyFlag {
  readonly type: 'boolean';
}

export type Flag = StringFlag | ListFlag | ChoiceFlag | IntegerFlag | BooleanFlag;

/** By their names. */
export type Flags = Readonly<Record<string, Flag>>;

/** The flags under a heading of the help. */
export function grouped<const T extends Flags>(
  helpGroup: 'Listener' | 'Logging' | 'SORACOM API' | 'Tunnel',
  flags: T,
): { readonly [Name in keyof T]: T[Name] & { readonly helpGroup: string } } {
  const entries = Object.entries(flags).map(([name, flag]) => [name, { ...flag, helpGroup }]);
  return Object.fromEntries(entries) as ReturnType<typeof grouped<T>>;
}

/** What a parser gives for a flag. */
export type FlagValue<F extends Flag> = F extends BooleanFlag
  ? boolean
  : GivenValue<F> | (F extends { readonly default: unknown } ? never : undefined);

type GivenValue<F extends Flag> = F extends ListFlag
  ? string[]
  : F extends IntegerFlag
    ? number
    : F extends ChoiceFlag
      ? F['options'][number]
      : string;

/** What a parser gives for all flags of a command. */
export type FlagValues<T extends Flags> = { readonly [Name in keyof T]: FlagValue<T[Name]> };

/** One word of a command line, as a parser has taken it. */
export type CommandLineToken =
  { readonly type: 'flag'; readonly flag: string } | { readonly type: 'arg' };

/** What a command line says to a command, once it is parsed. */
export interface ParsedLine<T extends Flags> {
  readonly flags: FlagValues<T>;
  /** By its words in their order, without the values of flags. */
  readonly tokens: readonly CommandLineToken[];
}
