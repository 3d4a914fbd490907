/** Command flags as data. `oclif-flags.ts` converts them for oclif. */

interface AnyFlag {
  /** The one-letter short form of the flag. */
  readonly char?:
    '4' | '6' | 'a' | 'c' | 'f' | 'H' | 'i' | 'L' | 'p' | 'q' | 'R' | 's' | 'W' | 'x' | 'X' | 'y';
  readonly description: string;
  /**
   * The environment variable that sets the value if the flag is not given; an empty variable counts
   * as unset.
   */
  readonly env?: string;
  /** The heading in the help, for flags that several commands share. */
  readonly helpGroup?: string;
  /** The flags that cannot be combined with this one. */
  readonly exclusive?: readonly string[];
}

interface ValueFlag extends AnyFlag {
  readonly helpValue?: string;
}

export interface StringFlag extends ValueFlag {
  readonly type: 'string';
  readonly default?: string;
  /** The default to show in the help, if the parser itself does not apply one. */
  readonly defaultHelp?: string;
}

/** A flag that may be repeated. */
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

/** A flag without a value; false unless given. */
export interface BooleanFlag extends AnyFlag {
  readonly type: 'boolean';
}

export type Flag = StringFlag | ListFlag | ChoiceFlag | IntegerFlag | BooleanFlag;

export type Flags = Readonly<Record<string, Flag>>;

/** Groups flags under a heading of the help. */
export function grouped<const T extends Flags>(
  helpGroup: 'Listener' | 'Logging' | 'SORACOM API' | 'Spool' | 'Tunnel',
  flags: T,
): { readonly [Name in keyof T]: T[Name] & { readonly helpGroup: string } } {
  const entries = Object.entries(flags).map(([name, flag]) => [name, { ...flag, helpGroup }]);
  return Object.fromEntries(entries) as ReturnType<typeof grouped<T>>;
}

export type FlagValue<F extends Flag> = F extends BooleanFlag
  ? boolean
  : GivenValue<F> | (F extends { readonly default: unknown } ? never : undefined);

/** A list is a single string if the value comes from an environment variable. */
type GivenValue<F extends Flag> = F extends ListFlag
  ? readonly string[] | (F extends { readonly env: string } ? string : never)
  : F extends IntegerFlag
    ? number
    : F extends ChoiceFlag
      ? F['options'][number]
      : string;

export type FlagValues<T extends Flags> = { readonly [Name in keyof T]: FlagValue<T[Name]> };

export type CommandLineToken =
  { readonly type: 'flag'; readonly flag: string } | { readonly type: 'arg' };

export interface ParsedLine<T extends Flags> {
  readonly flags: FlagValues<T>;
  /**
   * The flags and arguments in the order in which the user typed them, without the values of flags.
   */
  readonly tokens: readonly CommandLineToken[];
}
