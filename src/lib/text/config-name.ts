/** Names a configuration in messages, and the commands that apply to the configuration. */

/** The default of `--config`. */
export const DEFAULT_CONFIG = 'arc.json';

/** The name of a configuration that was passed as a value of `--config` or ARCTUN_CONFIG. */
export const INLINE_CONFIG = 'the inline configuration';

/** The name of a configuration that was read from standard input. */
export const STANDARD_INPUT = 'standard input';

/** The identity of a configuration in messages. */
export interface ConfigName {
  /** The path, or a description if the configuration was not read from a file. */
  readonly source: string;
  /** The path for `--config`; undefined if the configuration was not read from a file. */
  readonly path: string | undefined;
}

/** Returns a command to run, with `--config` if the file is not the default. */
export function commandFor(words: string, path: string | undefined): string {
  const isDefault = path === undefined || path === DEFAULT_CONFIG;
  return `arctun ${words}${isDefault ? '' : ` --config ${shellWord(path)}`}`;
}

/** Returns the advice for a configuration with faults, given its name. */
export function correctionOf(source: string): string {
  switch (source) {
    case INLINE_CONFIG:
      return 'Correct the value of --config or ARCTUN_CONFIG, then check it with `arctun config validate`.';
    case STANDARD_INPUT:
      return 'Correct the input, then check it with `arctun config validate -`.';
    default:
      return `Correct the file, then check it with \`${commandFor('config validate', source)}\`.`;
  }
}

/** Returns the advice for a configuration without a session, given its name. */
export function creationOfSession(source: string): string {
  const path = source === INLINE_CONFIG || source === STANDARD_INPUT ? undefined : source;
  return `Run \`${commandFor('bootstrap authkey', path)}\` to create a session.`;
}

/** Quotes a path for a shell if needed. */
function shellWord(path: string): string {
  return /^[\w./@%+:,-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
