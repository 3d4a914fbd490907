/** Converts system errors that commands do not handle to UserErrors. */
import { fileFaultKind } from '../../lib/errors/file-fault.js';
import { UserError } from '../../lib/errors/user-error.js';

const NEXT: Readonly<Record<string, string>> = {
  EMFILE: 'Raise the limit on open files, for example with "ulimit -n 1024".',
  ENFILE: 'Close files or programs: the system has too many files open.',
  ENOSPC: 'Free some disk space.',
  EACCES: 'Run as a user who has the required permission, or choose another path.',
  ENOMEM: 'Free some memory.',
};

/** Converts an error; undefined if the error does not come from the operating system. */
export function systemFailure(error: Error): UserError | undefined {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return undefined;
  const next = NEXT[code];
  return new UserError(fileFaultKind(error), {
    what: 'the operating system returned an error',
    why: error.message,
    next: next ? [next] : [],
    cause: error,
  });
}
