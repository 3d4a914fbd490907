import { Flags } from '@oclif/core';

import type { LogLevel } from './context.js';

const LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** How much is logged to standard error, and in what form. */
export function logFlags(defaultLevel: LogLevel) {
  return {
    'log-level': Flags.option({
      description: 'How much is logged to standard error.',
      options: LEVELS,
      default: defaultLevel,
      env: 'ARCTUN_LOG_LEVEL',
    })(),
    'log-format': Flags.option({
      description: 'Log lines for people or for programs.',
      options: ['text', 'json'] as const,
      default: 'text',
      env: 'ARCTUN_LOG_FORMAT',
    })(),
  };
}
