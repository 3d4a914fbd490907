/** What is known of a process when it starts. */
export interface Start {
  /** By which path it was started. */
  readonly argv0: string;
  /** Of its command line, without the program. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

const WANTS_HELP = new Set(['--help', '-h']);

/**
 * Whether this is the Lambda extension: Lambda starts whatever lies in /opt/extensions, without
 * arguments, and says where its API is.
 */
export function startsExtension({ argv0, words, env }: Start): boolean {
  const [command, next] = words;
  if (command === 'lambda') return next === undefined;
  if (command !== undefined && WANTS_HELP.has(command)) return false;
  return (env.AWS_LAMBDA_RUNTIME_API ?? '') !== '' && /(^|\/)extensions\/[^/]+$/.test(argv0);
}
