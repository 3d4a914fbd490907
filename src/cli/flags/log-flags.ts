import { LOG_LEVELS, type LogLevel } from '../../ports/log.js';
import * as Flags from './flag.js';

const level = Flags.choice({
  description: 'Level of the log messages on standard error.',
  options: LOG_LEVELS,
  env: 'ARCTUN_LOG_LEVEL',
});

const OTHER_FLAGS = {
  'log-format': Flags.choice({
    description: 'Log format: text for people, json for programs.',
    options: ['text', 'json'] as const,
    default: 'text',
    env: 'ARCTUN_LOG_FORMAT',
  })(),
  quiet: Flags.boolean({
    char: 'q',
    env: 'ARCTUN_QUIET',
    description: 'Log only errors, and print only the requested result.',
  }),
};

/** Flags that set the log level and log format on standard error. */
export function logFlags(defaultLevel: LogLevel) {
  return Flags.grouped('Logging', {
    'log-level': level({ default: defaultLevel }),
    ...OTHER_FLAGS,
  });
}

/** Like logFlags(), but the default level is the logLevel in arc.json. */
export const configuredLogFlags = Flags.grouped('Logging', {
  'log-level': level({
    description: 'Level of the log messages on standard error; by default, logLevel in arc.json.',
  }),
  ...OTHER_FLAGS,
});

/** Returns the log level that the flags set, or `otherwise`. */
export function chosenLevel(
  flags: { readonly quiet: boolean; readonly 'log-level'?: LogLevel | undefined },
  otherwise: LogLevel,
): LogLevel {
  return flags.quiet ? 'error' : (flags['log-level'] ?? otherwise);
}

/**
 * Converts arc.json's logLevel to a log level. Level 2 logs everything in soratun but only `info`
 * in arctun, because bootstrap and soratun write 2 into every file; `--log-level debug` logs more.
 * Level 1 logs errors in soratun, and also warnings in arctun. Level 0 is treated as 1, so that a
 * missing logLevel, which is parsed as 0, never hides failures; `--log-level silent` logs nothing.
 */
export function configuredLogLevel(logLevel: number): LogLevel {
  return logLevel >= 2 ? 'info' : 'warn';
}
