/** The port for running a program of the system, without a shell. */
export interface CommandRunner {
  /**
   * Runs a program until it exits, with empty standard input.
   *
   * @param command the program and its arguments
   * @throws CommandError if it cannot be started, times out or writes too much. A nonzero exit
   * status is not an error.
   */
  run(command: readonly string[], options?: RunOptions): Promise<CommandResult>;

  /**
   * Returns the error if the program at `path` could not be started, or undefined if it probably
   * could or `path` is a name on the PATH. The method is absent on systems that do not support this
   * check.
   */
  check?(path: string): Promise<CommandError | undefined>;
}

export interface RunOptions {
  /** The timeout in milliseconds. Default: 30,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** Environment variables that are added to this process's own, or override them. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Selects the variables of this process that the program does not inherit. Default: none. */
  readonly withoutVariables?: (name: string, value: string) => boolean;
  /**
   * Whether the program runs in its own process group, without a terminal. If so, all its child
   * processes are ended with it.
   */
  readonly ownGroup?: boolean;
  /**
   * The maximum number of bytes to keep of both outputs, which are merged into `stdout` in order of
   * arrival. Further output is dropped, and the program continues.
   */
  readonly mergedOutput?: number;
}

export interface CommandResult {
  /** The exit status, or undefined if a signal ended the program. */
  readonly exitCode: number | undefined;
  /** The signal that ended the program, such as `SIGKILL`. */
  readonly signal?: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why a program returned no result. */
export type CommandFailure = 'not-found' | 'denied' | 'timeout' | 'too-much-output' | 'failed';

export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly failure: CommandFailure;

  constructor(failure: CommandFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}
