import { UserError } from './user-error.js';

/** 128 and the signal's number, as a shell has it for a program that the signal ended. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGABRT: 134, SIGTERM: 143 } as const;

export type StopSignal = keyof typeof EXIT_CODES;

export const STOP_SIGNALS = Object.keys(EXIT_CODES) as readonly StopSignal[];

/** Somebody stopped the process before its work was done. */
export class StoppedError extends UserError {
  override readonly name = 'StoppedError';
  /** With which the process ends. */
  readonly exitCode: number;
  /** Whether the process fails by it, though it ends in order: a watchdog sends SIGABRT. */
  readonly isFailure: boolean;
  readonly signal: StopSignal;

  constructor(signal: StopSignal) {
    super('failed', { what: `stopped by ${signal}`, why: 'the work was not finished' });
    this.signal = signal;
    this.exitCode = EXIT_CODES[signal];
    this.isFailure = signal === 'SIGABRT';
  }
}
