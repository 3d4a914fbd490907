import { UserError, type UserErrorText } from './user-error.js';

/** The exit codes that a shell reports for programs ended by a signal: 128 plus its number. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGABRT: 134, SIGTERM: 143 } as const;

export type StopSignal = keyof typeof EXIT_CODES;

export const STOP_SIGNALS = Object.keys(EXIT_CODES) as readonly StopSignal[];

const UNFINISHED = { why: 'the operation was not finished' };

/** The error if a signal stops the process before its work is done. */
export class StoppedError extends UserError {
  override readonly name = 'StoppedError';
  readonly exitCode: number;
  /** Whether the stop is a failure: true for SIGABRT, which a watchdog sends. */
  readonly isFailure: boolean;
  readonly signal: StopSignal;

  /** @param outcome what was done; by default, nothing is known */
  constructor(signal: StopSignal, outcome: Omit<UserErrorText, 'what'> = UNFINISHED) {
    super('failed', { what: `stopped by ${signal}`, ...outcome });
    this.signal = signal;
    this.exitCode = EXIT_CODES[signal];
    this.isFailure = signal === 'SIGABRT';
  }
}
