/** Finds the command in the words of a command line, with soratun's syntax. */
import { didYouMean, quotedIfBlank } from '../cli/errors/did-you-mean.js';
import { UserError } from '../lib/errors/user-error.js';

/** The available commands and topics, with IDs in oclif's form: `sim:list`. */
export interface CommandIndex {
  readonly commands: readonly IndexedCommand[];
  readonly topics: readonly { readonly name: string }[];
}

export interface IndexedCommand {
  readonly id: string;
  readonly hiddenAliases?: readonly string[];
  readonly args?: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<string, IndexedFlag>>;
}

export interface IndexedFlag {
  readonly type: 'boolean' | 'option';
  readonly char?: string | undefined;
}

export type Reading =
  | { readonly kind: 'version' }
  /** The help for a command or topic, or the general help if `id` is undefined. */
  | { readonly kind: 'help'; readonly id: string | undefined }
  | { readonly kind: 'command'; readonly id: string; readonly words: string[] };

const HELP = new Set(['--help', '-h']);
const VERSION = new Set(['--version', '-v']);
const TRUE = /^(?:1|t|true)$/i;
const FALSE = /^(?:0|f|false)$/i;

/**
 * Parses the words of a command line. Flags before the command, `help COMMAND`, and `--flag=true`
 * work as in soratun.
 *
 * @param words the command line, without the program's name
 * @throws UserError of kind `usage` for an unknown command
 */
export function readWords(words: readonly string[], index: CommandIndex): Reading {
  const [leading, rest] = splitLeadingFlags(words, index);
  if (leading.some((word) => VERSION.has(word))) return { kind: 'version' };
  if (rest[0] === 'help') return { kind: 'help', id: idOf(withoutFlags(rest.slice(1)), index) };
  if (rest.length === 0) {
    refuseUnknownFlag(leading, index);
    refuseFlagsAlone(leading);
    return { kind: 'help', id: undefined };
  }
  const found = findCommand(rest, index);
  if (found === undefined) {
    refuseUnknownFlag(leading, index);
    const names = withoutFlags(rest);
    if (asksForHelp([...leading, ...rest]) || names.length === 1)
      return { kind: 'help', id: idOf(names, index) };
    throw unknownCommand(names, index);
  }
  const { command, length } = found;
  const after = [...leading, ...rest.slice(length)];
  if (asksForHelp(after)) return { kind: 'help', id: command.id };
  refuseSubcommand(command, rest.slice(0, length + 1), index);
  return { kind: 'command', id: command.id, words: withPlainBooleans(after, command) };
}

/** Separates the flags before the command, and their values, from the words that follow. */
function splitLeadingFlags(
  words: readonly string[],
  { commands }: CommandIndex,
): [leading: string[], rest: string[]] {
  const named = commands.flatMap(({ flags }) => Object.entries(flags));
  const takesValue = (word: string) =>
    named.some(
      ([name, { type, char }]) =>
        type === 'option' && (word === `--${name}` || (char !== undefined && word === `-${char}`)),
    );
  let end = 0;
  while (end < words.length && /^-./.test(words[end] ?? '')) {
    end += takesValue(words[end] ?? '') ? 2 : 1;
  }
  return [words.slice(0, end), words.slice(end)];
}

/**
 * Rejects an unknown flag, because the next word is probably the flag's value and not a command.
 */
function refuseUnknownFlag(leading: readonly string[], { commands }: CommandIndex): void {
  const flags = commands.flatMap((command) => Object.entries(command.flags));
  const known = new Set(flags.flatMap(([name, { char }]) => [`--${name}`, `-${char ?? ''}`]));
  const name = leading
    .filter((word) => word.startsWith('-') && !HELP.has(word))
    .map((word) => word.replace(/=.*/s, ''))
    .find((word) => !known.has(word));
  if (name === undefined) return;
  const isLong = name.startsWith('--');
  throw new UserError('usage', {
    what: 'unknown flag',
    why: name,
    next: [
      ...(isLong ? didYouMean(name, [...known]) : []),
      'Run "arctun --help" to list the commands.',
    ],
  });
}

/** @throws UserError of kind `usage` for flags other than --help without a command */
function refuseFlagsAlone(flags: readonly string[]): void {
  const [first] = flags.filter((word) => !HELP.has(word));
  if (first === undefined) return;
  throw new UserError('usage', {
    what: 'missing command',
    why: `the command line contains only flags (${first})`,
    next: ['Run "arctun --help" to list the commands.'],
  });
}

function withoutFlags(words: readonly string[]): string[] {
  const end = words.findIndex((word) => word.startsWith('-'));
  return words.slice(0, end === -1 ? undefined : end);
}

/** Finds the command with the most matching words. */
function findCommand(words: readonly string[], { commands }: CommandIndex) {
  for (let length = Math.min(2, words.length); length > 0; length--) {
    const name = words.slice(0, length).join(':');
    const command = commands.find(
      ({ id, hiddenAliases = [] }) => id === name || hiddenAliases.includes(name),
    );
    if (command !== undefined) return { command, length };
  }
  return undefined;
}

/** @throws UserError of kind `usage` if no command or topic has that name */
function idOf(names: readonly string[], index: CommandIndex): string | undefined {
  if (names.length === 0) return undefined;
  const found = findCommand(names, index);
  if (found !== undefined) return found.command.id;
  const [name = ''] = names;
  if (names.length === 1 && index.topics.some((topic) => topic.name === name)) return name;
  throw unknownCommand(names, index);
}

/** Rejects `config foo`, because `foo` is an unknown subcommand, not an argument of `config`. */
function refuseSubcommand(
  { id, args = {} }: IndexedCommand,
  words: readonly string[],
  index: CommandIndex,
): void {
  const last = words.at(-1) ?? '';
  const isTopic = index.commands.some((other) => other.id.startsWith(`${id}:`));
  const isName = /^[a-z][a-z-]*$/.test(last) && words.length > id.split(':').length;
  if (isTopic && isName && Object.keys(args).length === 0) throw unknownCommand(words, index);
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return words.slice(0, end === -1 ? undefined : end).some((word) => HELP.has(word));
}

/** Removes values from boolean flags, because oclif does not accept them. */
function withPlainBooleans(words: readonly string[], { flags }: IndexedCommand): string[] {
  const end = words.indexOf('--');
  const parsed = words.slice(0, end === -1 ? undefined : end).flatMap((word) => {
    const [, name = '', value = ''] = /^--([^=]+)=(.*)$/.exec(word) ?? [];
    if (flags[name]?.type !== 'boolean') return [word];
    if (TRUE.test(value)) return [`--${name}`];
    if (FALSE.test(value)) return [];
    throw new UserError('usage', {
      what: `invalid --${name}`,
      why: `the value must be true or false, not ${JSON.stringify(value)}`,
      next: [`Use --${name} without a value, or omit it.`],
    });
  });
  return end === -1 ? parsed : [...parsed, ...words.slice(end)];
}

/** The names of commands in other programs, which are not similar to ours. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  rm: 'remove',
  del: 'remove',
  delete: 'remove',
  ls: 'list',
};

function unknownCommand(words: readonly string[], { commands, topics }: CommandIndex): UserError {
  const [first = '', second] = words;
  const isTopic =
    topics.some(({ name }) => name === first) ||
    commands.some(({ id }) => id.startsWith(`${first}:`));
  const name = second !== undefined && isTopic ? `${first} ${second}` : first;
  const meant = `${first} ${OTHER_NAMES[second ?? ''] ?? ''}`;
  const isMeant = commands.some(({ id }) => id.replace(':', ' ') === meant);
  // The first word alone is not a correction of itself with a second word.
  const candidates = [
    ...commands.map(({ id }) => id.replace(':', ' ')),
    ...topics.map((topic) => topic.name),
  ].filter((candidate) => candidate !== first);
  return new UserError('usage', {
    what: 'unknown command',
    why: quotedIfBlank(name),
    next: [
      ...(isMeant ? [`Did you mean ${meant}?`] : didYouMean(name, candidates)),
      `Run "arctun ${isTopic ? `${first} ` : ''}--help" to list the commands.`,
    ],
  });
}
