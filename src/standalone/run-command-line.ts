/** From the words of a command line to the end of the process. */
import { homedir } from 'node:os';

import { exitCodeOf } from '../cli/exit-codes.js';
import { standardOutput } from '../cli/output.js';
import { renderUserError } from '../cli/render.js';
import { UserError } from '../lib/user-error.js';
import { findCommand, type Surroundings } from './commands.js';
import { commandHelp, generalHelp, lambdaHelp, versionText } from './help.js';
import { commandNotHere } from './not-here.js';
import { createStandaloneContext } from './standalone-context.js';
import { VERSION } from './version.js';

/** Runs a command, and ends the process. */
export async function runProcess(words: readonly string[]): Promise<void> {
  haveHome();
  endWithoutReader();
  const context = createStandaloneContext(VERSION);
  const code = await run(words, { context, output: standardOutput, version: VERSION });
  await Promise.all([taken(process.stdout), taken(process.stderr)]);
  process.exit(code);
}

async function run(words: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await runCommandLine(words, surroundings);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(renderUserError(error));
    return exitCodeOf(error);
  }
}

/**
 * @returns the exit code
 * @throws UserError
 */
export async function runCommandLine(
  words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { output, version } = surroundings;
  const [first, ...rest] = words;
  if (first === '--version') {
    output.write(`${versionText(version)}\n`);
    return 0;
  }
  const helpAbout = aboutHelp(words);
  if (helpAbout !== undefined) {
    output.write(helpText(helpAbout, version));
    return 0;
  }
  const found = findCommand(first ?? '');
  if (found === undefined) throw commandNotHere(words) ?? unknownCommand(first ?? '');
  return found.command.run(rest, surroundings);
}

const HELP = new Set(['--help', '-h']);

/** The words that help is asked about; undefined where nobody asks. */
function aboutHelp(words: readonly string[]): readonly string[] | undefined {
  const [first, ...rest] = words;
  if (first === undefined) return [];
  if (first === 'help') return rest.filter((word) => !HELP.has(word));
  const end = words.indexOf('--');
  const before = end === -1 ? words : words.slice(0, end);
  return before.some((word) => HELP.has(word))
    ? before.filter((word) => !HELP.has(word))
    : undefined;
}

function helpText(words: readonly string[], version: string): string {
  const [name] = words;
  if (name === undefined) return generalHelp(version);
  if (name === 'lambda' && words.length === 1) return lambdaHelp();
  const found = findCommand(name);
  if (found === undefined) throw commandNotHere(words) ?? unknownCommand(name);
  return commandHelp(found.name, found.command.declaration);
}

function unknownCommand(name: string): UserError {
  return new UserError('usage', {
    what: `command ${name} not found`,
    why: 'this executable has no such command',
    next: ['See more help with --help'],
  });
}

/**
 * A container may run us as a user id that no passwd file lists. Where HOME is missing, too, Node
 * throws when it is asked for the home folder. `/` is what Docker takes.
 */
function haveHome(): void {
  try {
    homedir();
  } catch {
    process.env.HOME = '/';
  }
}

/** A reader that has gone (`| head`) is no error, a full disk is one, in a sentence. */
function endWithoutReader(): void {
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    process.stderr.write(`Error: cannot write to standard output: ${message}\n`);
    process.exit(1);
  });
}

/** Resolves when what was written has left, or cannot. */
function taken(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}
