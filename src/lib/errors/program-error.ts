import { UserError, type UserErrorText } from './user-error.js';

/** The error if a program that the user named cannot be started. */
export class ProgramError extends UserError {
  override readonly name = 'ProgramError';
  /** The exit code with which a shell reports the failure: 127 or 126. */
  readonly exitCode: number;

  constructor(exitCode: number, text: UserErrorText) {
    super('failed', text);
    this.exitCode = exitCode;
  }
}
