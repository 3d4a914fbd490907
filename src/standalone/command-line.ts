/**
 * Reads command lines as oclif does, with Node's parser: what one executable takes, the other takes,
 * and what one refuses, the other refuses in the same words.
 */
import { parseArgs } from 'node:util';

import type { CommandDeclaration } from '../cli/command.js';
import type { CommandLineToken, Flag, Flags, FlagValues, ParsedLine } from '../cli/flag.js';
import { UserError } from '../lib/user-error.js';
import { environmentValue, givenValue } from './flag-value.js';

export interface CommandLine<T extends Flags> extends ParsedLine<T> {
  /** What is no flag and no value of one. */
  readonly args: readonly string[];
}

/** What Node's parser makes of a line, in the order of its words. */
type NodeToken = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];
type NodeOption = NodeToken & { readonly kind: 'option' };

/**
 * @param words without the program and the command
 * @throws UserError of kind `usage`
 */
export function parseCommandLine<T extends Flags>(
  words: readonly string[],
  { flags, args = {} }: Pick<CommandDeclaration, 'args'> & { readonly flags: T },
  env: Readonly<Record<string, string | undefined>>,
): CommandLine<T> {
  const line = new WordReader(flags, words);
  for (const token of nodeTokens(flags, words)) line.take(token);
  const values = Object.entries(flags).map(([name, flag]) => {
    const given = line.given.get(name);
    const value =
      given === undefined ? environmentValue(name, flag, env) : givenValue(name, flag, given);
    return [name, value] as const;
  });
  line.requireKnown(Object.keys(args).length);
  const known = values.filter(([, value]) => value !== undefined);
  return {
    flags: Object.fromEntries(known) as unknown as FlagValues<T>,
    tokens: line.tokens,
    args: line.args,
  };
}

function nodeTokens(flags: Flags, words: readonly string[]): readonly NodeToken[] {
  const options = Object.entries(flags).map(([name, { type, char }]) => [
    name,
    {
      type: type === 'boolean' ? ('boolean' as const) : ('string' as const),
      ...(char !== undefined && { short: char }),
    },
  ]);
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(options) as NonNullable<
      Parameters<typeof parseArgs>[0]
    >['options'] & {},
    // Its own refusals come in other words.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens;
}

class WordReader {
  readonly tokens: CommandLineToken[] = [];
  readonly args: string[] = [];
  /** The values of each flag that is there; none for a boolean one. */
  readonly given = new Map<string, string[]>();
  readonly #flags: Flags;
  readonly #words: readonly string[];
  readonly #chars: ReadonlySet<string>;
  readonly #unknown: string[] = [];
  /** The place of a word that was no flag as a whole, though Node's parser takes it letter by letter. */
  #wholeWord = -1;

  constructor(flags: Flags, words: readonly string[]) {
    this.#flags = flags;
    this.#words = words;
    this.#chars = new Set(Object.values(flags).flatMap(({ char }) => char ?? []));
  }

  take(token: NodeToken): void {
    if (token.kind === 'option-terminator') return;
    if (token.kind === 'positional') this.#takeArgument(token.value);
    else if (token.index !== this.#wholeWord) this.#takeOption(token);
    else if (token.inlineValue === false) this.#takeArgument(token.value);
  }

  /** @throws UserError for words that nobody knows */
  requireKnown(mostArguments: number): void {
    const unknown = this.#unknown;
    if (unknown.length > 0) throw refused(`Nonexistent flag${plural(unknown)}`, unknown.join(', '));
    const extra = this.args.slice(mostArguments);
    if (extra.length > 0) throw refused(`Unexpected argument${plural(extra)}`, extra.join(', '));
  }

  #takeOption(token: NodeOption): void {
    const flag = Object.hasOwn(this.#flags, token.name) ? this.#flags[token.name] : undefined;
    if (flag === undefined) {
      this.#takeUnknown(token);
      return;
    }
    this.tokens.push({ type: 'flag', flag: token.name });
    if (flag.type === 'boolean') {
      this.given.set(token.name, []);
      // As if a space stood there.
      if (token.inlineValue === true) this.#takeArgument(token.value);
      return;
    }
    const values = this.given.get(token.name) ?? [];
    if (values.length > 0 && flag.type !== 'list') {
      throw refused(
        `cannot use --${token.name} twice`,
        `Flag --${token.name} can only be specified once`,
      );
    }
    this.given.set(token.name, [...values, this.#value(token, flag)]);
  }

  #value({ name, rawName, value, inlineValue }: NodeOption, flag: Flag): string {
    // `-p=1` is `-p 1`.
    const isShortWithEquals = inlineValue === true && !rawName.startsWith('--');
    const text = isShortWithEquals ? value.replace(/^=/, '') : value;
    if (text !== undefined && !this.#isFlag(text)) return text;
    if (flag.type === 'choice') {
      throw refused(`Flag --${name} expects one of these values`, flag.options.join(', '));
    }
    throw refused(`cannot use --${name}`, `Flag --${name} expects a value`);
  }

  #isFlag(word: string): boolean {
    if (word.startsWith('--')) return Object.hasOwn(this.#flags, word.slice(2));
    return word.startsWith('-') && this.#chars.has(word.charAt(1));
  }

  #takeUnknown({ index, rawName }: NodeOption): void {
    const word = this.#words[index] ?? rawName;
    this.#wholeWord = index;
    // A negative number is as good an argument as any.
    if (/^-\d/.test(word)) this.#takeArgument(word);
    else this.#unknown.push(word);
  }

  #takeArgument(word: string): void {
    this.tokens.push({ type: 'arg' });
    this.args.push(word);
  }
}

function plural(words: readonly string[]): string {
  return words.length === 1 ? '' : 's';
}

function refused(what: string, why: string): UserError {
  return new UserError('usage', { what, why, next: ['See more help with --help'] });
}
