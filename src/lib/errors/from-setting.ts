/** Names the setting that an error is about, for code that parses or uses the setting's value. */
import { UserError } from './user-error.js';

/**
 * Runs a function on the value of a setting, and names the setting in its UserErrors.
 *
 * @param setting a flag, such as `--endpoint`, or an environment variable
 */
export function fromSetting<T>(setting: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw withSetting(setting, error);
  }
}

/** Returns the error with the setting in its first line. Subclasses of UserError are unchanged. */
export function withSetting(setting: string, error: unknown): unknown {
  if (!(error instanceof UserError) || error.name !== 'UserError') return error;
  const { kind, what, why, next } = error;
  return new UserError(kind, { what: `${what} (${setting})`, why, next, cause: error });
}
