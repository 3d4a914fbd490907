import { type Flag, type Flags, grouped } from './flag.js';
import type { LogLevel } from '../log-options.js';

const LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const;

const LEVEL = {
  type: 'choice',
  description: 'How much is logged to standard error.',
  options: LEVELS,
  env: 'ARCTUN_LOG_LEVEL',
} as const satisfies Flag;

const OTHER_FLAGS = {
  'log-format': {
    type: 'choice',
    description: 'Log lines for people or for programs.',
    options: ['text', 'json'],
    default: 'text',
    env: 'ARCTUN_LOG_FORMAT',
  },
  quiet: {
    type: 'boolean',
    char: 'q',
    env: 'ARCTUN_QUIET',
    description: 'Log errors alone, and print nothing but the result that was asked for.',
  },
} as const satisfies Flags;

/** How much is logged to standard error, and in what form. */
export function logFlags(defaultLevel: LogLevel) {
  return grouped('Logging', {
    'log-level': { ...LEVEL, default: defaultLevel },
    ...OTHER_FLAGS,
  });
}

/** As logFlags(), for a command that goes by arc.json's logLevel where nothing else is said. */
export const configuredLogFlags = grouped('Logging', {
  'log-level': {
    ...LEVEL,
    description: "How much is logged to standard error; by arc.json's logLevel when absent.",
  },
  ...OTHER_FLAGS,
});

/** The level that the flags ask for. */
export function chosenLevel(
  flags: { readonly quiet: boolean; readonly 'log-level'?: LogLevel | undefined },
  otherwise: LogLevel,
): LogLevel {
  return flags.quiet ? 'error' : (flags['log-level'] ?? otherwise);
}

/**
 * What is logged by arc.json's logLevel: 2 is everything in soratun, and `info` here, since bootstrap
 * and soratun write 2 into each file; `--log-level debug` shows more. 1 is errors there, and here
 * what keeps something from working. 0 means no less than 1, for that is also what a file says that
 * has no logLevel, and a tunnel that fails without a word helps nobody; `--log-level silent` is silent.
 */
export function configuredLogLevel(logLevel: number): LogLevel {
  return logLevel >= 2 ? 'info' : 'warn';
}
