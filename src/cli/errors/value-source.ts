/** Finds out whether a flag or an environment variable set a value, and names this source in errors. */
import { INLINE_CONFIG } from '../../lib/text/config-name.js';
import { UserError } from '../../lib/errors/user-error.js';

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
 * Matches a mention of a flag outside a quoted command: `--mtu`, `--mtu=575`, or
 * `--config or ARCTUN_CONFIG`.
 */
const MENTION = /`[^`]*`|"arctun [^"]*"|--([a-z][\w-]*)(?: or ([A-Z][A-Z_]*))?/g;

/**
 * Names the sources of values in an error: each mention of a flag whose value comes from an
 * environment variable is replaced with the variable. Code that creates an error therefore names
 * the flag, and writes a value as `--mtu=575`, which becomes `ARCTUN_MTU=575`. Code that also runs
 * without a command line writes `--config or ARCTUN_CONFIG`. An inline configuration gets the name of
 * its source, too.
 */
export function withSources(error: UserError, line: CommandLine): UserError {
  const named = (text: string) =>
    text.replaceAll(MENTION, (mention, name: string | undefined, variable?: string) => {
      const source = name === undefined ? undefined : sourceOf(name, line);
      if (name === undefined || source === undefined) return mention;
      const isPair = variable === undefined || variable === line.flags[name]?.env;
      return isPair ? source : mention.replace(`--${name}`, source);
    });
  const inline = sourceOf('config', line);
  const whole = inline === undefined ? INLINE_CONFIG : `${INLINE_CONFIG} (${inline})`;
  const what = named(error.what).replace(INLINE_CONFIG, whole);
  const [why, next] = [named(error.why), error.next.map(named)];
  const isSame = what === error.what && why === error.why && next.join() === error.next.join();
  return isSame ? error : new UserError(error.kind, { what, why, next, cause: error });
}
