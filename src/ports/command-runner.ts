/** The port through which a use case runs a program of the system. No shell is ever in between. */
export interface CommandRunner {
  /**
   * Runs a program to its end, with nothing on its standard input.
   *
   * @param command the program and its arguments
   * @throws CommandError when it cannot be started, does not end in time or writes too much; ending
   *   with another status than 0 is no error here
   */
  run(command: readonly string[], options?: RunOptions): Promise<CommandResult>;

  /**
   * Why a program at a path could not be started; undefined if it probably can, and for a name on the PATH.
   * Absent on a system that is not asked.
   */
  check?(path: string): Promise<CommandError | undefined>;
}

export interface RunOptions {
  /** Milliseconds until it is ended; 30,000 when absent. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** Variables of its environment, beside and in place of our own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Which variables of our own environment it does not get; it gets all when absent. */
  readonly withoutVariables?: (name: string, value: string) => boolean;
  /**
   * Whether it is ended together with whatever it has started: it gets a process group of its own,
   * and has no terminal to ask at.
   */
  readonly ownGroup?: boolean;
  /**
   * Bytes that are kept of both outputs together, as they come, in `stdout`. What is beyond is
   * dropped, and the program goes on.
   */
  readonly mergedOutput?: number;
}

export interface CommandResult {
  /** undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  /** The signal that ended it, as `SIGKILL`. */
  readonly signal?: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why a program gave no result. */
export type CommandFailure = 'not-found' | 'denied' | 'timeout' | 'too-much-output' | 'failed';

export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly failure: CommandFailure;

  constructor(failure: CommandFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}
