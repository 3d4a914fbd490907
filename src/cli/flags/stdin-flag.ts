import { UserError } from '../../lib/errors/user-error.js';
import type { CommandLineToken, Flags } from './flag.js';

/**
 * soratun's flag that reads the configuration from standard input, so that it is not stored on a
 * disk.
 */
export const stdinFlag = {
  'read-stdin': {
    type: 'boolean',
    description: 'Read the configuration as JSON from standard input instead of --config.',
  },
} as const satisfies Flags;

/**
 * Rejects `--read-stdin` together with `--config`. ARCTUN_CONFIG is allowed, because it applies to
 * every command, and a flag overrides it.
 *
 * @param tokens the parsed command line
 * @throws UserError of kind `usage`
 */
export function refuseConfigFlag(tokens: readonly CommandLineToken[]): void {
  if (!hasConfigFlag(tokens)) return;
  throw new UserError('usage', {
    what: 'cannot use --read-stdin with --config',
    why: 'both provide a configuration',
    next: ['Remove one of them.'],
  });
}

/**
 * Like refuseConfigFlag(), for a command that also accepts the configuration as an argument.
 *
 * @throws UserError of kind `usage`
 */
export function refuseSecondSource(file: string, tokens: readonly CommandLineToken[]): void {
  const flags = tokens.flatMap((token) => (token.type === 'flag' ? [token.flag] : []));
  const second = ['config', 'read-stdin'].find((flag) => flags.includes(flag));
  if (second === undefined) return;
  throw new UserError('usage', {
    what: `cannot use ${file === '-' ? '-' : 'FILE'} with --${second}`,
    why: 'both provide a configuration',
    next: ['Remove one of them.'],
  });
}

/**
 * Rejects `--config` for a command that prints a configuration and does not write a file.
 *
 * @throws UserError of kind `usage`
 */
export function refuseOutputFile(tokens: readonly CommandLineToken[]): void {
  if (!hasConfigFlag(tokens)) return;
  throw new UserError('usage', {
    what: 'cannot use --config',
    why: 'this command prints a template and does not write a file',
    next: ['Redirect standard output, for example: arctun config init > arc.json'],
  });
}

/** Whether the command line, not the environment, contains --config. */
export function hasConfigFlag(tokens: readonly CommandLineToken[]): boolean {
  return tokens.some((token) => token.type === 'flag' && token.flag === 'config');
}
