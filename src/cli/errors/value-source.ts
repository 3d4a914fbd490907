/** Finds out whether a flag or an environment variable set a value, and names this source in errors. */
import { INLINE_CONFIG } from '../../lib/text/config-name.js';
import {
  type NameSetting,
  renameSettings,
  rewriteError,
} from '../../lib/errors/rename-settings.js';
import type { UserError } from '../../lib/errors/user-error.js';

export interface CommandLine {
  readonly flags: Readonly<
    Record<
      string,
      {
        readonly type: string;
        readonly char?: string;
        readonly env?: string | undefined;
        readonly multiple?: boolean;
        readonly helpValue?: string | readonly string[] | undefined;
      }
    >
  >;
  /** The words of the command line after the command. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The false values of a boolean variable, which oclif treats like a missing flag. */
const NO = /^(?:0|false|n|no)$/i;

/** Whether the command line contains a flag, in its long or short form. */
export function isTyped(name: string, { flags, words }: CommandLine): boolean {
  const end = words.indexOf('--');
  const char = flags[name]?.char;
  return words
    .slice(0, end < 0 ? undefined : end)
    .some(
      (word) =>
        word === `--${name}` ||
        word.startsWith(`--${name}=`) ||
        (char !== undefined && word.startsWith(`-${char}`)),
    );
}

/**
 * Returns the name of the flag or environment variable that set a flag's value; undefined for a
 * default.
 */
export function sourceOf(name: string, line: CommandLine): string | undefined {
  if (isTyped(name, line)) return `--${name}`;
  const { type, env: variable } = line.flags[name] ?? {};
  const value = variable === undefined ? undefined : line.env[variable];
  if (!value || (type === 'boolean' && NO.test(value))) return undefined;
  return variable;
}

/**
 * Names the sources of values in an error: the variable instead of a flag whose value it set. An
 * inline configuration gets the name of its source, too.
 */
export function nameSources(error: UserError, line: CommandLine): void {
  const inline = sourceOf('config', line);
  const whole = inline === undefined ? INLINE_CONFIG : `${INLINE_CONFIG} (${inline})`;
  const nameOf: NameSetting = (flag, variable) => {
    const source = sourceOf(flag, line);
    const isPair = variable === undefined || variable === line.flags[flag]?.env;
    return source === undefined || isPair ? source : `${source} or ${variable}`;
  };
  rewriteError(error, (text) => renameSettings(text, nameOf).replace(INLINE_CONFIG, whole));
}
