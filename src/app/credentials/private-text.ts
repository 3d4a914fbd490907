import { quote } from 'shell-quote';

import type { PrivateFileError } from '../../ports/private-files.js';
import { type FailureKind, UserError } from '../../lib/errors/user-error.js';

/** The path that means standard input. */
export const STANDARD_INPUT = '-';

/** Returns how messages refer to a path. */
export function placeOf(path: string): string {
  return path === STANDARD_INPUT ? 'standard input' : path;
}

/**
 * Builds the error for a secret file that cannot be read.
 * @param what the failed action: `cannot …`
 * @param otherwise advice if the mode of the file cannot be changed
 */
export function privateFileFailed(
  path: string,
  what: string,
  error: PrivateFileError,
  otherwise?: string,
): UserError {
  const { kind, next } = remedy(path, error);
  if (error.failure === 'too-open' && otherwise !== undefined) next.push(otherwise);
  const text = { what, why: `${placeOf(path)}: ${error.message}`, next, cause: error };
  return new UserError(kind, text);
}

function remedy(
  path: string,
  { failure }: PrivateFileError,
): { kind: FailureKind; next: string[] } {
  if (path === STANDARD_INPUT) {
    return { kind: 'failed', next: ['Pipe the data into standard input.'] };
  }
  switch (failure) {
    case 'too-open':
      return { kind: 'permission', next: [`Run: chmod 600 ${quote([path])}`] };
    case 'denied':
      return { kind: 'permission', next: ['Run as the user who owns the file.'] };
    case 'absent':
      return { kind: 'configuration', next: ['Check the path.'] };
    case 'failed':
      // For example, a folder. The user has to set another path, as for a file that is absent.
      return { kind: 'configuration', next: ['Choose a file that can be read.'] };
  }
}
