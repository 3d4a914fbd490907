/** A program and its arguments for a reader's eyes: `curl -H "X-Soracom-Token: …"` has a token in it. */
import { isSecretName, redactText } from './secret-shapes.js';
import { REDACTED } from './secret.js';

/** `Name: value`, `Name: Bearer value`, `NAME=value`, `"name":"value"`, and `--name value` inside of a line. */
const NAMED =
  /([\w-]+)(["'\\]*\s*[:=]\s*["'\\]*(?:(?:Bearer|Basic|Digest|Token)\s+)?|(?<=(?:^|\s)--[\w-]+)\s+["']?)([^\s"'\\,;&|]+)/gi;
const OPTION = /^--?[A-Za-z][\w-]*$/;
/** Of a URL: the password, also if it is the only name. */
const USER_INFO = /(\/\/)[^\s/@"']+@/g;

/** The words with their secrets hidden; the number of words stays. */
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
