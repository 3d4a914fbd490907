/** The properties of a process at its start. */
export interface Start {
  /** The path that the process was started with. */
  readonly argv0: string;
  /** The words of the command line, without the program's name. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Whether this process is the Lambda extension. Lambda starts every file in /opt/extensions without
 * arguments and sets an environment variable to the address of its API.
 */
export function startsExtension({ argv0, words, env }: Start): boolean {
  if ((env.AWS_LAMBDA_RUNTIME_API ?? '') === '') return false;
  if (words.length > 0) return words.length === 1 && words[0] === 'lambda';
  return /(^|\/)extensions\/[^/]+$/.test(argv0);
}
