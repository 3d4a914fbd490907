/** Hides secrets in a command and its arguments, as in `curl -H "X-Soracom-Token: …"`. */
import { isSecretName, redactText } from './secret-shapes.js';
import { REDACTED } from './secret.js';

/** Matches `Name: value`, `Name: Bearer value`, `NAME=value`, `"name":"value"`, `--name value`. */
const NAMED =
  /([\w-]+)(["'\\]*\s*[:=]\s*["'\\]*(?:(?:Bearer|Basic|Digest|Token)\s+)?|(?<=(?:^|\s)--[\w-]+)\s+["']?)([^\s"'\\,;&|]+)/gi;
const OPTION = /^--?[A-Za-z][\w-]*$/;
/** Matches the user information in a URL: a user name and password, or a single token. */
const USER_INFO = /(\/\/)[^\s/@"']+@/g;

/** Returns the words with their secrets hidden, and without changing the number of words. */
export function redactCommand(command: readonly string[]): string[] {
  return command.map((word, index) => {
    const before = command[index - 1] ?? '';
    const isValue = OPTION.test(before) && isSecretName(before) && !OPTION.test(word);
    return isValue ? REDACTED : redactWord(word);
  });
}

function redactWord(word: string): string {
  const named = word.replaceAll(NAMED, (all, name: string, between: string) =>
    isSecretName(name) ? `${name}${between}${REDACTED}` : all,
  );
  return redactText(named.replaceAll(USER_INFO, `$1${REDACTED}@`));
}
