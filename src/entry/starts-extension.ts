/** What is known of a process when it starts. */
export interface Start {
  /** By which path it was started. */
  readonly argv0: string;
  /** Of its command line, without the program. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Whether this is the Lambda extension: Lambda starts whatever lies in /opt/extensions, without
 * arguments, and says where its API is.
 */
export function startsExtension({ argv0, words, env }: Start): boolean {
  if (words.length > 0) return words.length === 1 && words[0] === 'lambda';
  return (env.AWS_LAMBDA_RUNTIME_API ?? '') !== '' && /(^|\/)extensions\/[^/]+$/.test(argv0);
}
