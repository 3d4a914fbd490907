/** Describes the command line for completion scripts, based on oclif's data. */
import type { Command, Interfaces } from '@oclif/core';

export interface CommandLine {
  readonly program: string;
  /** All commands, and topics that are not commands. The path of the root is empty. */
  readonly nodes: readonly CommandNode[];
}

/** A position on the command line: a command or a prefix of a command. */
export interface CommandNode {
  /** The command's words, such as `sim` and `list`; empty for the root. */
  readonly path: string;
  readonly aliases: readonly string[];
  /** The words that may follow at this position and lead to another node. */
  readonly next: readonly CompletionWord[];
  readonly flags: readonly CompletionFlag[];
  /** The possible values of the command's only argument; undefined if it has no argument. */
  readonly argument: CompletionValue | undefined;
}

export interface CompletionWord {
  readonly word: string;
  readonly description: string;
}

export interface CompletionFlag {
  readonly name: string;
  readonly char: string | undefined;
  readonly description: string;
  readonly isRepeatable: boolean;
  /** The possible values of the flag; undefined if the flag has no value. */
  readonly value: CompletionValue | undefined;
}

/** The possible values: a fixed list, a path, or an unknown value. */
export type CompletionValue = readonly string[] | 'path' | 'unknown';

const HELP: CompletionFlag = {
  name: 'help',
  char: 'h',
  description: 'Show help.',
  isRepeatable: false,
  value: undefined,
};

/** The placeholder in the help for a flag or argument whose value is a path. */
const PATH_PLACEHOLDER = 'FILE';

/** @param all all commands as oclif lists them: once under the ID, and once under each alias */
export function readCommandLine(
  program: string,
  all: readonly Command.Cached[],
  topics: readonly Interfaces.Topic[],
): CommandLine {
  const commands = all.filter(
    ({ id, hidden, aliases, hiddenAliases }) =>
      !hidden && !aliases.includes(id) && !hiddenAliases.includes(id),
  );
  const descriptions = new Map<string, string>();
  for (const { name, description = '' } of topics) descriptions.set(spaced(name), description);
  for (const { id, description = '' } of commands) descriptions.set(spaced(id), description);
  const byPath = new Map(commands.map((command) => [spaced(command.id), command]));
  const paths = new Set(['', ...[...byPath.keys()].flatMap(prefixes)]);
  const nodes = [...paths].sort().map((path): CommandNode => {
    const command = byPath.get(path);
    return {
      path,
      aliases: command === undefined ? [] : [...command.aliases, ...command.hiddenAliases],
      next: [...paths]
        .filter((other) => other !== '' && parentOf(other) === path)
        .sort()
        .map((other) => ({
          word: other.slice(other.lastIndexOf(' ') + 1),
          description: firstSentence(descriptions.get(other) ?? ''),
        })),
      flags: [
        ...Object.values(command?.flags ?? {})
          .filter(({ hidden }) => hidden !== true)
          .map(flagOf),
        HELP,
      ],
      argument: argumentOf(Object.values(command?.args ?? {})[0]),
    };
  });
  return { program, nodes };
}

function spaced(id: string): string {
  return id.replaceAll(':', ' ');
}

/** Returns the prefixes of a path, including itself: `a`, `a b` and `a b c` for `a b c`. */
function prefixes(path: string): string[] {
  const words = path.split(' ');
  return words.map((_, index) => words.slice(0, index + 1).join(' '));
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(' ')));
}

function flagOf(flag: Command.Flag.Cached): CompletionFlag {
  const isOption = flag.type === 'option';
  return {
    name: flag.name,
    char: flag.char,
    description: firstSentence(flag.description ?? ''),
    isRepeatable: isOption && flag.multiple === true,
    value: isOption ? valueOf(flag.options, flag.helpValue) : undefined,
  };
}

function argumentOf(argument: Command.Arg.Cached | undefined): CompletionValue | undefined {
  if (argument === undefined) return undefined;
  // An argument has no placeholder, so use its name.
  return valueOf(argument.options, argument.name.toUpperCase());
}

function valueOf(
  options: readonly string[] | undefined,
  placeholder: string | string[] | undefined,
): CompletionValue {
  return options ?? (placeholder === PATH_PLACEHOLDER ? 'path' : 'unknown');
}

/** Returns the first sentence, because completion scripts show only one line. */
function firstSentence(text: string): string {
  return /^(.*?\.)(?:\s|$)/s.exec(text)?.[1] ?? text;
}
