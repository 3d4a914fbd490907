/** Runs a profile's `profileCommand`, split like a shell command line but without a shell. */
import { parse } from 'shell-quote';

import {
  CommandError,
  type CommandResult,
  type CommandRunner,
} from '../../ports/command-runner.js';
import { type FailureKind, UserError } from '../../lib/errors/user-error.js';
import { firstLine } from '../../soracom/redact.js';

/** The timeout in milliseconds. It is long because a password manager may first prompt the user. */
const TIMEOUT = 60_000;

/**
 * @param place the profile that contains the command, for messages
 * @returns the command's output, which may contain secrets
 * @throws UserError
 */
export async function runProfileCommand(
  command: string,
  place: string,
  commands: CommandRunner,
  signal?: AbortSignal,
): Promise<string> {
  const words = splitCommand(command, place);
  let result: CommandResult;
  try {
    result = await commands.run(words, { timeout: TIMEOUT, ...(signal && { signal }) });
  } catch (error) {
    if (error instanceof CommandError) throw commandFailed(error, place);
    throw error;
  }
  if (result.exitCode === 0) return result.stdout;
  const end =
    result.exitCode === undefined
      ? 'was terminated by a signal'
      : `exited with status ${result.exitCode}`;
  // Standard output may contain part of a profile, so only standard error is shown.
  throw new UserError('failed', {
    what: `cannot use the profileCommand in ${place}`,
    why: [`${words[0] ?? ''} ${end}`, firstLine(result.stderr)].filter(Boolean).join(': '),
    next: ['Run the command by itself to find the cause.'],
  });
}

/** @throws UserError of kind `configuration` for syntax that requires a shell */
function splitCommand(command: string, place: string): string[] {
  const refuse = (why: string): never => {
    throw new UserError('configuration', {
      what: `cannot run the profileCommand in ${place}`,
      why,
      next: [
        'Write a program and its arguments, and quote special characters: arctun does not use a shell.',
        "For pipes and variables, use a script, or sh -c '...'.",
      ],
    });
  };
  if (hasOpenQuote(command)) refuse('the command has an unclosed quote or ends in a backslash');
  if (command.includes('`')) refuse('the command contains a backtick');
  let words;
  try {
    words = parse(command, (name) => refuse(`the command contains the variable "$${name}"`));
  } catch (error) {
    if (error instanceof UserError) throw error;
    return refuse('the command contains an incomplete variable');
  }
  if (words.length === 0) refuse('the command is empty');
  return words.map((word) => {
    if (typeof word === 'string') return word;
    if ('comment' in word) return refuse('the command contains a comment, which begins with "#"');
    return refuse(
      word.op === 'glob'
        ? `the command contains the pattern "${word.pattern}"`
        : `the command contains the shell operator "${word.op}"`,
    );
  });
}

/** True for an unclosed quote or a backslash at the end; shell-quote ignores these errors. */
function hasOpenQuote(command: string): boolean {
  return /['"\\]/.test(command.replace(/\\[\s\S]|'[^']*'|"(?:\\[\s\S]|[^"\\])*"/g, ''));
}

const KINDS: Readonly<Partial<Record<CommandError['failure'], FailureKind>>> = {
  'not-found': 'configuration',
  denied: 'permission',
};

function commandFailed(error: CommandError, place: string): UserError {
  return new UserError(KINDS[error.failure] ?? 'failed', {
    what: `cannot run the profileCommand in ${place}`,
    why: error.message,
    next: [
      error.failure === 'not-found'
        ? 'Install the program, or write its full path without "~".'
        : 'Run the command by itself to find the cause.',
    ],
    cause: error,
  });
}
