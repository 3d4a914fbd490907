/**
 * Renames settings in errors. Code that creates an error writes `--mtu` or `--mtu=575`, and code that
 * also runs without a command line writes `--config or ARCTUN_CONFIG`. Each surface shows the name
 * that its users know.
 */
import type { UserError } from './user-error.js';

/** Matches a quoted command, or a setting outside one. */
const MENTION = /`[^`]*`|"arctun [^"]*"|--([a-z][\w-]*)(?: or ([A-Z][A-Z_]*))?/g;

/** @returns the name to show; undefined to show the text unchanged */
export type NameSetting = (setting: string, variable: string | undefined) => string | undefined;

/** Renames the settings in a text. */
export function renameSettings(text: string, nameOf: NameSetting): string {
  return text.replaceAll(MENTION, (mention, setting?: string, variable?: string) =>
    setting === undefined ? mention : (nameOf(setting, variable) ?? mention),
  );
}

/** Changes the texts of an error, which keeps its class and other members. */
export function rewriteError(error: UserError, rewrite: (text: string) => string): void {
  const { message, stack = '' } = error;
  const [what, why, next] = [rewrite(error.what), rewrite(error.why), error.next.map(rewrite)];
  const changed = `${what}: ${why}`;
  Object.assign(error, {
    ...{ what, why, next, message: changed },
    stack: stack.replace(message, () => changed),
  });
}
