/** Defines the flags of `exec`, and runs the command. */
import { execIsolated } from '../../../app/access/exec-isolated.js';
import { execProgram } from '../../../app/access/exec-program.js';
import { UserError } from '../../../lib/errors/user-error.js';
import { accessFlags } from '../../flags/tunnel-flags.js';
import type { configFlag } from '../../flags/config-flags.js';
import * as Flags from '../../flags/flag.js';
import type { FlagValues } from '../../flags/flag.js';
import { chosenLevel, logFlags } from '../../flags/log-flags.js';
import type { TunnelContext } from '../../tunnel-context.js';
import { type AccessContext, prepareAccess } from './prepare-access.js';

/** Warnings would mix with the program's own messages. */
const LEVEL = 'error';

export const execFlags = {
  netns: Flags.boolean({
    description:
      'Run the program in its own network, whose only way out is the tunnel. Linux only.',
  }),
  ...accessFlags,
  ...logFlags(LEVEL),
};

/**
 * @param words the command line after `exec`
 * @param command the program and its arguments
 * @returns the exit code
 * @throws UserError
 */
export async function runExec(
  flags: FlagValues<typeof configFlag & typeof execFlags>,
  words: readonly string[],
  command: readonly string[],
  context: AccessContext & Pick<TunnelContext, 'isolation'>,
): Promise<number> {
  requireProgram(words, command);
  const { options, ports } = await prepareAccess(flags, context, LEVEL);
  const programs = await context.foregroundPrograms();
  if (!flags.netns) return execProgram(command, options, { ...ports, programs });
  const isolation = await context.isolation();
  const listeners = await context.localListeners();
  const log = { level: chosenLevel(flags, LEVEL), format: flags['log-format'] };
  return execIsolated(command, { ...options, log }, { ...ports, programs, isolation, listeners });
}

/**
 * Requires `--`, so that the flags of the program are never mistaken for flags of `exec`.
 *
 * @throws UserError of kind `usage`
 */
export function requireSeparator(words: readonly string[]): void {
  if (words.includes('--')) return;
  throw noProgram('the command line does not contain "--" before the program');
}

function requireProgram(words: readonly string[], command: readonly string[]): void {
  const before = words.slice(0, words.indexOf('--'));
  // The values of flags are not part of the command, so any other word is in front of it.
  if (command.length > words.length - before.length - 1) {
    throw noProgram(`the program must come after "--", not before`);
  }
  if (command[0] === undefined || command[0] === '') {
    throw noProgram('the command line does not contain a program after "--"');
  }
}

function noProgram(why: string): UserError {
  return new UserError('usage', {
    what: 'no program to run',
    why,
    next: [
      'Put the program and its arguments after "--": arctun exec -- curl http://uni.soracom.io/',
    ],
  });
}
