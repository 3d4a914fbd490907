/** What a completion script has to know of the command line, read from what oclif knows of it. */
import type { Command, Interfaces } from '@oclif/core';

export interface CommandLine {
  readonly program: string;
  /** Topics without a command of their own among them; the line itself has the empty path. */
  readonly nodes: readonly CommandNode[];
}

/** A place on the command line: a command, or the beginning of some. */
export interface CommandNode {
  /** `sim list`; empty for the line itself. */
  readonly path: string;
  /** Other ways to name it. */
  readonly aliases: readonly string[];
  /** Words that may follow and lead to another node. */
  readonly next: readonly CompletionWord[];
  readonly flags: readonly CompletionFlag[];
  /** What its one argument may be; undefined where it has none, or nobody can know. */
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
  /** undefined for a flag that takes none. */
  readonly value: CompletionValue | undefined;
}

/** The values that are possible; a path; or what nobody can know. */
export type CompletionValue = readonly string[] | 'path' | 'unknown';

const HELP: CompletionFlag = {
  name: 'help',
  char: 'h',
  description: 'Show help.',
  isRepeatable: false,
  value: undefined,
};

/** By its placeholder in the help. */
const PATH_PLACEHOLDER = 'FILE';

/** @param all every command, and each once more under every alias, as oclif lists them */
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
          .filter(isShown)
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

/** `a b c` begins as `a` and as `a b`. */
function prefixes(path: string): string[] {
  const words = path.split(' ');
  return words.map((_, index) => words.slice(0, index + 1).join(' '));
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(' ')));
}

function isShown({ hidden }: Command.Flag.Cached): boolean {
  return hidden !== true;
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
  // An argument has no placeholder of its own but its name.
  return valueOf(argument.options, argument.name.toUpperCase());
}

function valueOf(
  options: readonly string[] | undefined,
  placeholder: string | string[] | undefined,
): CompletionValue {
  return options ?? (placeholder === PATH_PLACEHOLDER ? 'path' : 'unknown');
}

/** Scripts show one line, and none is made for more. */
function firstSentence(text: string): string {
  return /^(.*?\.)(?:\s|$)/s.exec(text)?.[1] ?? text;
}
