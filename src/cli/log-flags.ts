import { Flags } from '@oclif/core';

import type { LogLevel } from './context.js';

const LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const;

const LEVEL = {
  description: 'How much is logged to standard error.',
  options: LEVELS,
  env: 'ARCTUN_LOG_LEVEL',
};

const FORMAT_FLAG = {
  'log-format': Flags.option({
    description: 'Log lines for people or for programs.',
    options: ['text', 'json'] as const,
    default: 'text',
    env: 'ARCTUN_LOG_FORMAT',
  })(),
};

/** How much is logged to standard error, and in what form. */
export function logFlags(defaultLevel: LogLevel) {
  return {
    'log-level': Flags.option({ ...LEVEL, default: defaultLevel })(),
    ...FORMAT_FLAG,
  };
}

/** As logFlags(), for a command that goes by arc.json's logLevel where nothing else is said. */
export const configuredLogFlags = {
  'log-level': Flags.option({
    ...LEVEL,
    description: "How much is logged to standard error; by arc.json's logLevel when absent.",
  })(),
  ...FORMAT_FLAG,
};

/**
 * What is logged by arc.json's logLevel: 2 is everything, as in soratun. 1 is errors there, and here
 * what keeps something from working. 0 means no less than 1, for that is also what a file says that
 * has no logLevel, and a tunnel that fails without a word helps nobody; `--log-level silent` is silent.
 */
export function configuredLogLevel(logLevel: number): LogLevel {
  return logLevel >= 2 ? 'debug' : 'warn';
}
