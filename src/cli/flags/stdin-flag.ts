import { UserError } from '../../lib/errors/user-error.js';
import type { CommandLineToken, Flags } from './flag.js';

/** soratun's way to a configuration that no disk holds. */
export const stdinFlag = {
  'read-stdin': {
    type: 'boolean',
    description: 'Read the configuration from standard input, as JSON, instead of from --config.',
  },
} as const satisfies Flags;

/**
 * Two configurations that were both asked for are a mistake. One in the environment stands there for
 * every command, and the flag of this one wins.
 *
 * @param tokens what the command line was parsed into
 * @throws UserError of kind `usage`
 */
export function refuseConfigFlag(tokens: readonly CommandLineToken[]): void {
  if (!tokens.some((token) => token.type === 'flag' && token.flag === 'config')) return;
  throw new UserError('usage', {
    what: 'cannot use --read-stdin with --config',
    why: 'each names a configuration of its own',
    next: ['Leave one of the two out.'],
  });
}

/**
 * As refuseConfigFlag(), for a command that also takes the configuration as an argument.
 *
 * @throws UserError of kind `usage`
 */
export function refuseSecondSource(file: string, tokens: readonly CommandLineToken[]): void {
  const flags = tokens.flatMap((token) => (token.type === 'flag' ? [token.flag] : []));
  const second = ['config', 'read-stdin'].find((flag) => flags.includes(flag));
  if (second === undefined) return;
  throw new UserError('usage', {
    what: `cannot use ${file === '-' ? '-' : 'FILE'} with --${second}`,
    why: 'each names a configuration of its own',
    next: ['Leave one of the two out.'],
  });
}
