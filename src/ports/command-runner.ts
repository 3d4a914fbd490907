/** The port for running a system program without a shell. */
export interface CommandRunner {
  /**
   * Runs a program until it exits, with empty standard input by default.
   *
   * @param command the program and its arguments
   * @throws CommandError if the program cannot be started, times out or writes too much. A nonzero
   * exit status is not an error.
   */
  run(command: readonly string[], options?: RunOptions): Promise<CommandResult>;

  /**
   * Returns the error that starting the program at `path` would cause. Returns undefined if the
   * program can probably be started or `path` is a name on the PATH. Absent on systems that do not
   * support this check.
   */
  check?(path: string): Promise<CommandError | undefined>;
}

export interface RunOptions {
  /** The timeout in milliseconds; defaults to 30,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** All of standard input. */
  readonly input?: string;
  /** Environment variables to add to, or override in, this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Selects the variables of this process that the program does not inherit; by default none. */
  readonly withoutVariables?: (name: string, value: string) => boolean;
  /**
   * Whether the program runs in its own process group, without a terminal, so that its child
   * processes end with it.
   */
  readonly ownGroup?: boolean;
  /**
   * The maximum number of bytes to keep from standard output and standard error, which are merged
   * into `stdout` in order of arrival. Further output is dropped, and the program continues.
   */
  readonly mergedOutput?: number;
}

export interface CommandResult {
  /** The exit status; undefined if a signal ended the program. */
  readonly exitCode: number | undefined;
  readonly signal?: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in place of this process. */
export interface ForegroundPrograms {
  /**
   * Runs a program with this process's standard streams until it exits. Meanwhile, SIGINT, SIGTERM,
   * SIGHUP and SIGQUIT to this process are passed on to the program and have no other effect.
   *
   * @param command the program and its arguments
   * @param environment variables to add to, override in, or (if undefined) remove from this process's
   * environment
   * @returns the exit status as a shell reports it: 128 plus the signal's number after a signal
   * @throws CommandError if the program cannot be started
   */
  run(
    command: readonly string[],
    environment: Readonly<Record<string, string | undefined>>,
  ): Promise<number>;
}

/** Why a program did not return a result. */
export type CommandFailure = 'not-found' | 'denied' | 'timeout' | 'too-much-output' | 'failed';

export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly failure: CommandFailure;

  constructor(failure: CommandFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}
