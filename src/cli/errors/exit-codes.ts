import { ProgramError } from '../../lib/errors/program-error.js';
import { StoppedError } from '../../lib/errors/stopped-error.js';
import type { FailureKind, UserError } from '../../lib/errors/user-error.js';

/** The exit code of the process for each kind of failure; success has code 0. */
export const EXIT_CODES: Readonly<Record<FailureKind, number>> = {
  failed: 1,
  usage: 2,
  configuration: 3,
  api: 4,
  tunnel: 5,
  permission: 6,
};

export function exitCodeOf(error: UserError): number {
  return error instanceof StoppedError || error instanceof ProgramError
    ? error.exitCode
    : EXIT_CODES[error.kind];
}
